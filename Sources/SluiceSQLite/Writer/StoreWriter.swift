import Dispatch
import GRDB
import Glibc
import SluiceCore
import Synchronization

/// The one writer of the database.
///
/// Any thread hands it operations and ledger entries; they are queued under one lock and carried out in groups on the database's own queue,
/// each group in one transaction with one sync: all that came while the last group was committed. Nothing is awaited, so nothing is ever
/// cancelled with the task that asked for it.
package final class StoreWriter: Sendable {
    package struct Limits: Sendable {
        /// How long ledger entries of live traffic wait for company, unless something else commits. What a killed process loses is in the
        /// journal; what a power cut may take is this much, or ``longestPatience``, and what is being committed.
        package var patience: Duration = .milliseconds(25)
        /// How long they wait where more than ``fewEntries`` have come by then: a commit less is a few pages less that are written again. Whoever
        /// makes one call after another finds each in the ledger sooner.
        package var longestPatience: Duration = .milliseconds(100)
        package var fewEntries = 4
        /// How many operations one transaction takes.
        package var groupSize = 4096
        /// How many entries it takes, and does not wait for more.
        package var entriesPerGroup = 16384
        /// How long after a full disk the entries that wait are tried again.
        package var retry: Duration = .seconds(1)

        package init() {}
    }

    /// What the database's queue alone touches.
    struct Ends: Sendable {
        var tail: ChainTail
        var rollups: RollupWriter
        var log = WriteAheadLog()
    }

    /// Of so many operations at once, more are expected to follow.
    private static let company = 16
    /// How often the queue is looked at, every 100 µs, for those who follow.
    private static let looks = 10

    private let pool: DatabasePool
    private let limits: Limits
    private let files: DatabaseFiles
    private let onFailure: @Sendable (StoreError) -> Void
    private let timer = DispatchQueue(label: "sluice.store.timer")
    private let queue = Mutex(WriteQueue())
    private let ends: Mutex<Ends>
    let backlog: Backlog

    /// - Parameter onFailure: Called once when a commit could not be made durable: the process must stop.
    init(pool: DatabasePool, files: DatabaseFiles, limits: Limits, onFailure: @escaping @Sendable (StoreError) -> Void) throws {
        self.pool = pool
        self.files = files
        self.limits = limits
        self.onFailure = onFailure
        self.ends = Mutex(try pool.read { db in Ends(tail: try ChainTail(db), rollups: try RollupWriter(db)) })
        self.backlog = try pool.read { db in try Backlog(db) }
    }

    // MARK: Any thread

    /// Queues an operation; it is committed with the next group, at once.
    func submit(_ operation: WriteOperation) {
        let refusal: StoreError? = self.queue.withLock { queue in
            if let refusal = queue.refusal { return refusal }
            queue.operations.append(operation)
            self.drainIfIdle(&queue)
            return nil
        }
        if let refusal { operation.fail(refusal) }
    }

    /// Queues ledger entries; they wait for company, see ``Limits/patience``.
    func append(_ entries: [SealedEntry], committed: @escaping @Sendable (Result<Void, StoreError>) -> Void) {
        let refusal: StoreError? = self.queue.withLock { queue in
            if let refusal = queue.refusal { return refusal }
            queue.append(entries, size: self.limits.entriesPerGroup, committed: committed)
            self.wakeForEntries(&queue)
            return nil
        }
        if let refusal { committed(.failure(refusal)) }
    }

    /// As ``append(_:committed:)``, of an attempt of live traffic; see ``Ledger``.
    func append(closing end: LedgerEntry, begun: Timestamp, line: [UInt8], ticket: UInt64?, of desk: CommitDesk) {
        guard begun.hour == end.at.hour else {
            // A checkpoint may have to stand between the two, so the intent needs a line of its own.
            return self.append([SealedEntry(end.intent(at: begun)), SealedEntry(end)]) { desk.tell(ticket, $0) }
        }
        let refusal: StoreError? = self.queue.withLock { queue in
            if let refusal = queue.refusal { return refusal }
            queue.append(closing: end, begun: begun, line: line, ticket: ticket, of: desk, size: self.limits.entriesPerGroup)
            self.wakeForEntries(&queue)
            return nil
        }
        if let refusal { desk.tell(ticket, .failure(refusal)) }
    }

    private func wakeForEntries(_ queue: inout WriteQueue) {
        if queue.isFull {
            queue.countBacklog()
        } else if queue.entries >= self.limits.entriesPerGroup {
            self.drainIfIdle(&queue)
        } else {
            self.waitForMore(&queue)
        }
    }

    /// Commits what is queued, and calls back.
    func flush(then: @escaping @Sendable (Result<Void, StoreError>) -> Void) {
        self.submit(WriteOperation({ _ in }, then: then))
    }

    /// Bytes of ledger entries that wait because the disk is full.
    var backlogBytes: Int { self.queue.withLock { $0.backlog } }

    /// Refuses what comes from now on, and waits until what was queued is written or has failed.
    func close() {
        let isDone = DispatchSemaphore(value: 0)
        self.queue.withLock { queue in
            queue.isFull = false
            queue.closing = { isDone.signal() }
            self.drainIfIdle(&queue)
        }
        isDone.wait()
    }

    private func drainIfIdle(_ queue: inout WriteQueue) {
        guard !queue.isDraining else { return }
        queue.isDraining = true
        self.pool.asyncWriteWithoutTransaction { db in self.drain(db) }
    }

    /// Of entries.
    private func waitForMore(_ queue: inout WriteQueue) {
        self.wake(&queue, after: self.limits.patience, more: max(.zero, self.limits.longestPatience - self.limits.patience))
    }

    /// - Parameter more: How long many entries wait on from then.
    private func wake(_ queue: inout WriteQueue, after delay: Duration, more: Duration = .zero) {
        guard !queue.isTimerSet, !queue.isDraining else { return }
        queue.isTimerSet = true
        self.timer.asyncAfter(deadline: .now() + .nanoseconds(Int(delay.nanoseconds))) {
            self.queue.withLock { queue in
                queue.isTimerSet = false
                queue.isFull = false
                if queue.entries > self.limits.fewEntries, more > .zero {
                    self.wake(&queue, after: more)
                } else if queue.entries > 0 {
                    self.drainIfIdle(&queue)
                }
            }
        }
    }

    // MARK: The writer's queue

    /// Carries out groups until nothing is queued, or only entries that may wait.
    private func drain(_ db: Database) {
        var isFirst = true
        var last = 0
        while var group = self.nextGroup(isFirst: isFirst, after: last) {
            isFirst = false
            last = group.operations.count
            if let failure = self.files.failure() { self.stop(failure) }
            if let failure = self.queue.withLock({ $0.failure }) {
                self.fail(group, failure)
            } else {
                self.commit(group, db)
            }
            self.queue.withLock { $0.keepRoom(of: &group) }
            // To let go of hundreds of closures with all that they hold takes a while: elsewhere.
            self.timer.async { [group] in withExtendedLifetime(group) {} }
        }
        self.ends.withLock { $0.log.rest(db) }
        self.queue.withLock { $0.closing }?()
    }

    /// Whoever was answered just now comes with the next thing in a moment: while that goes on, to wait is cheaper than another sync.
    private func waitForCompany(of last: Int) {
        guard last >= StoreWriter.company else { return }
        var count = self.queue.withLock { $0.operations.count }
        for _ in 0..<StoreWriter.looks where count < last / 2 {
            usleep(100)
            let before = count
            count = self.queue.withLock { $0.operations.count }
            if count == before { return }
        }
    }

    private func nextGroup(isFirst: Bool, after last: Int) -> WriteGroup? {
        self.waitForCompany(of: last)
        return self.queue.withLock { queue in
            if let group = queue.takeGroup(of: self.limits.groupSize, entries: self.limits.entriesPerGroup, isFirst: isFirst) { return group }
            queue.isDraining = false
            if queue.entries > 0 {
                if queue.isFull { self.wake(&queue, after: self.limits.retry) } else { self.waitForMore(&queue) }
            }
            return nil
        }
    }

    private func commit(_ group: WriteGroup, _ db: Database) {
        do {
            let answers = try self.write(group, db)
            let bytes = group.batches.reduce(0) { $0 + $1.bytes }
            self.queue.withLock { $0.backlog = max(0, $0.backlog - bytes) }
            for answer in answers { answer() }
            for batch in group.batches { batch.tell(.success(())) }
        } catch {
            self.recover(group, from: error, db)
        }
    }

    /// Savepoints cost every operation a copy of every page that it touches, so they are left out until one fails.
    ///
    /// - Returns: What is to be called now that all is committed.
    private func write(_ group: WriteGroup, _ db: Database) throws(StoreError) -> [@Sendable () -> Void] {
        try self.ends.withLock { ends throws(StoreError) in
            do throws(StoreError) {
                return try self.write(group, apart: false, &ends, db)
            } catch let failure where failure.code == .other || failure.code == .incompatible {
                return try self.write(group, apart: true, &ends, db)
            }
        }
    }

    /// - Parameter apart: Whether an operation that fails leaves the others of the group as they are; else it takes them with it.
    private func write(_ group: WriteGroup, apart: Bool, _ ends: inout Ends, _ db: Database) throws(StoreError) -> [@Sendable () -> Void] {
        var transaction = WriteTransaction(db: db, chain: ends.tail.lent(oneByOne: apart), backlog: self.backlog)
        var hasRollups = false
        do {
            var answers: [@Sendable () -> Void] = []
            answers.reserveCapacity(group.operations.count)
            try db.inTransaction(.immediate) {
                for pack in group.batches.lazy.flatMap(\.packs) { try transaction.chain.append(pack, to: db) }
                for operation in group.operations { answers.append(try apart ? transaction.carryOutApart(operation) : transaction.carryOut(operation)) }
                try transaction.chain.appendWaiting(to: db)
                hasRollups = true
                if transaction.hasForgottenSums { ends.rollups.dropRows() }
                try ends.rollups.write(transaction.chain.appended, to: db)
                return .commit
            }
            transaction.chain.removeAppended()
            ends.tail = transaction.chain
            ends.log.wrote(operations: group.operations.count, entries: group.batches.reduce(0) { $0 + $1.count }, hasErased: transaction.hasErased, db)
            return answers
        } catch {
            let failure = StoreError.translating(error)
            // Nothing of the group is on disk, so nothing of it may be left in memory.
            transaction.takeBackChanges(to: 0)
            if hasRollups {
                guard let rollups = try? RollupWriter(db) else {
                    throw StoreError(.ioFailure, "the database cannot be read any more; before that: \(failure.message)")
                }
                ends.rollups = rollups
            }
            throw failure
        }
    }

    /// A group that did not commit: does what can be done for each of its parts.
    private func recover(_ group: WriteGroup, from error: StoreError, _ db: Database) {
        switch error.code {
        case .full where group.operations.count > 1 || (group.operations.count == 1 && !group.batches.isEmpty):
            // A large one may not fit where a small one does.
            if !group.batches.isEmpty { self.commit(WriteGroup(batches: group.batches), db) }
            for operation in group.operations { self.commit(WriteGroup(operations: [operation]), db) }
        case .full where !group.batches.isEmpty:
            self.keep(group.batches)
        case .ioFailure:
            self.stop(error)
            self.fail(group, error)
        case .full, .busy, .incompatible, .closed, .other:
            self.fail(group, error)
        }
    }

    /// Keeps entries for which there is no space, before those that came since.
    private func keep(_ batches: [WriteQueue.Batch]) {
        let isClosed = self.queue.withLock { queue in
            guard queue.closing == nil else { return true }
            queue.putBack(batches)
            return false
        }
        if isClosed { for batch in batches { batch.tell(.failure(StoreError(.full, "no space left for the ledger"))) } }
    }

    private func fail(_ group: WriteGroup, _ error: StoreError) {
        for operation in group.operations { operation.fail(error) }
        for batch in group.batches { batch.tell(.failure(error)) }
    }

    /// Nothing that was not committed before may be acknowledged any more.
    func stop(_ error: StoreError) {
        let isFirst = self.queue.withLock { queue in
            defer { queue.failure = queue.failure ?? error }
            return queue.failure == nil
        }
        if isFirst { self.onFailure(error) }
    }
}
