import Dispatch
import Glibc
package import SluiceCore
import Synchronization

/// The journal of live attempts: what was begun and how it ended, until the ledger has it.
///
/// An intent is in it before the bytes of its attempt leave, an end as soon as it is known. Both survive `kill -9` at any instant and cost no
/// system call, see ``JournalSegment``. A segment is used again when every record in it is committed to the ledger.
package final class IntentJournal: Sendable {
    package struct Limits: Sendable {
        package var segmentBytes = 1 << 20
        /// What may wait for a ledger that takes nothing: half a gigabyte.
        package var segments = 512

        package init() {}
    }

    /// Stands for the records of one attempt, until the ledger has its end.
    package struct Ticket: Sendable {
        /// The segment that has the intent, above it that which has the end, counted from 1.
        package let number: UInt64

        package init(number: UInt64) {
            self.number = number
        }

        fileprivate init(intent: Int, end: Int? = nil) {
            self.number = UInt64(intent) | UInt64(end.map { $0 + 1 } ?? 0) << 32
        }

        fileprivate var intent: Int { Int(self.number & 0xFFFF_FFFF) }
        fileprivate var end: Int? { self.number >> 32 == 0 ? nil : Int(self.number >> 32) - 1 }
    }

    fileprivate struct State {
        var segments: [JournalSegment] = []
        var current: Int?
        var free: [Int] = []
        var generation: UInt64
        /// The number of the next file.
        var file: Int
        var isPreparing = false
    }

    private let folder: String
    private let limits: Limits
    private let state: Mutex<State>
    private let preparation = DispatchQueue(label: "sluice.journal")
    /// What earlier processes left.
    let leftovers: Mutex<[JournalLeftover]>

    /// Opens the journal in `folder`, which is made where it is missing. What is in it stays until ``forgetLeftovers()``.
    package init(folder: String, limits: Limits = Limits()) throws(StoreError) {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw StoreError(.ioFailure, "cannot make \(folder): \(String(cString: strerror(errno)))")
        }
        let leftovers = try JournalLeftover.all(in: folder)
        self.folder = folder
        self.limits = limits
        self.leftovers = Mutex(leftovers)
        self.state = Mutex(State(generation: leftovers.map(\.generation).max() ?? 0, file: (leftovers.map(\.number).max() ?? 0) + 1))
        _ = try self.state.withLock { state throws(StoreError) in try self.rotate(&state) }
    }

    deinit { self.state.withLock { state in for segment in state.segments { segment.unmap() } } }

    /// Removes the files whose records the ledger has. Nothing may be appended any more.
    package func close() {
        self.state.withLock { state in
            for segment in state.segments where segment.outstanding == 0 { unlink(segment.path) }
        }
    }

    // MARK: Any thread

    /// Records that an attempt is about to be sent.
    ///
    /// - Parameters:
    ///   - line: The intent's ``ShortLine``.
    ///   - bound: See ``AttemptIntent/bound``.
    /// - Throws: ``StoreError/Code/full`` where the journal cannot grow; nothing was recorded then.
    package func append(intent line: RawSpan, bound: Money?) throws(StoreError) -> Ticket {
        Ticket(intent: try self.write(.intent, bound: bound?.pico ?? .min, body: line))
    }

    /// Records how an attempt ended.
    ///
    /// - Parameter line: The ``ShortLine`` of its end.
    /// - Throws: ``StoreError/Code/full`` where the journal cannot grow; the ticket given still stands for the intent.
    package func append(end line: RawSpan, closing ticket: Ticket) throws(StoreError) -> Ticket {
        Ticket(intent: ticket.intent, end: try self.write(.end, bound: .min, body: line))
    }

    /// Tells that the ledger has the ends of these attempts for good.
    package func committed(_ tickets: some Sequence<Ticket>) {
        self.state.withLock { state in
            for ticket in tickets {
                state.committed(ticket.intent)
                if let end = ticket.end { state.committed(end) }
            }
        }
    }

    private func write(_ kind: JournalSegment.Kind, bound: Int64, body: RawSpan) throws(StoreError) -> Int {
        try self.state.withLock { state throws(StoreError) in
            guard JournalSegment.space(for: body.byteCount) + JournalSegment.headerSize + 8 <= self.limits.segmentBytes else {
                throw StoreError(.other, "a record of \(body.byteCount) bytes does not fit the journal")
            }
            if let current = state.current, state.segments[current].hasRoom(for: body.byteCount) {
                state.segments[current].append(kind, bound: bound, body: body)
                return current
            }
            let next = try self.rotate(&state)
            state.segments[next].append(kind, bound: bound, body: body)
            return next
        }
    }

    // MARK: Segments

    /// Takes the next segment: a free one, or a new one.
    private func rotate(_ state: inout State) throws(StoreError) -> Int {
        if state.free.isEmpty {
            guard state.segments.count < self.limits.segments else {
                throw StoreError(.full, "the journal holds \(state.segments.count) segments that the ledger has not taken yet")
            }
            state.add(try JournalSegment(creating: self.nextPath(&state), size: self.limits.segmentBytes))
        }
        let last = state.current
        let next = state.free.removeFirst()
        state.generation += 1
        state.segments[next].begin(generation: state.generation)
        state.current = next
        if let last { state.freeIfDone(last) }
        self.prepare(&state)
        return next
    }

    /// Makes the segment after the current one ahead of time, away from the threads that write.
    private func prepare(_ state: inout State) {
        guard state.free.isEmpty, !state.isPreparing, state.segments.count < self.limits.segments else { return }
        state.isPreparing = true
        let path = self.nextPath(&state)
        self.preparation.async { [weak self] in
            guard let self else { return }
            let segment = try? JournalSegment(creating: path, size: self.limits.segmentBytes)
            self.state.withLock { state in
                state.isPreparing = false
                if let segment { state.add(segment) }
            }
        }
    }

    private func nextPath(_ state: inout State) -> String {
        defer { state.file += 1 }
        return JournalLeftover.path(of: state.file, in: self.folder)
    }
}

extension IntentJournal.State {
    fileprivate mutating func add(_ segment: JournalSegment) {
        self.segments.append(segment)
        self.free.append(self.segments.count - 1)
    }

    fileprivate mutating func committed(_ index: Int) {
        self.segments[index].committed()
        self.freeIfDone(index)
    }

    fileprivate mutating func freeIfDone(_ index: Int) {
        guard index != self.current, self.segments[index].outstanding == 0 else { return }
        self.segments[index].retire()
        self.free.append(index)
    }
}
