import NIOCore
import SluiceCore
import SluiceWire

/// Passes the events of one stream on as they came, each once it is whole, and tells what they mean.
///
/// Until the commit point events are held; the dialect's own end is held until the framing has ended too, so that a cut never looks like
/// success. What is passed on gathers in one buffer per turn of the loop.
final class StreamRelay {
    enum Event {
        /// The first text, tool call or the like.
        case token
        /// The usage is known now, its event not yet passed on.
        case usage
        /// The first event that may not be taken back.
        case commit
        case problem(UpstreamProblem)
    }

    /// Of what comes before the first content and behind the end no more than this is kept: nobody can fill our memory with comments.
    private static let mostHeld = 1 << 18

    private let reader: any StreamReader
    private let showsUsage: Bool
    private var scanner = EventScanner()
    /// Bytes of an event that has not ended.
    private var pending = ByteBuffer()
    private var output = ByteBuffer()
    private var isOutputPrepared = false
    private var tail = ByteBuffer()
    private var sawToken = false
    private var sawContent = false
    /// The event that reported a problem, for ``rewritten(_:)``.
    private var problemEvent = ByteBuffer()
    /// What is put beside the usage for a client that asked for it; nil leaves the event as it is.
    var usageNote: String?
    /// Nothing more is passed on.
    var isOver = false

    init(reader: any StreamReader, showsUsage: Bool) {
        self.reader = reader
        self.showsUsage = showsUsage
    }

    var facts: AnswerFacts { self.reader.facts }

    func take(_ bytes: ByteBuffer, _ report: (Event) -> Void) {
        guard !self.isOver else { return }
        var source: ByteBuffer
        if self.pending.readableBytes == 0 {
            source = bytes
        } else {
            source = self.pending
            self.pending = ByteBuffer()
            source.writeImmutableBuffer(bytes)
        }
        self.scan(&source, report)
        guard !self.isOver, source.readableBytes > 0 else { return }
        source.discardReadBytes()
        self.pending = source
    }

    private func scan(_ source: inout ByteBuffer, _ report: (Event) -> Void) {
        while !self.isOver, source.readableBytes > 0 {
            let isInside = self.scanner.isInsideOversize
            let used = source.withUnsafeReadableBytes { bytes -> Int in
                guard let piece = self.scanner.next(bytes) else { return 0 }
                switch piece {
                case .event(let range):
                    let event = UnsafeRawBufferPointer(rebasing: bytes[range])
                    self.pass(event, isInside ? self.reader.readOversize(event, .last) : self.reader.read(event), report)
                    return range.upperBound
                case .part(let range):
                    let part = UnsafeRawBufferPointer(rebasing: bytes[range])
                    self.pass(part, self.reader.readOversize(part, isInside ? .middle : .first), report)
                    return range.upperBound
                }
            }
            guard used > 0 else { return }
            source.moveReaderIndex(forwardBy: used)
        }
    }

    private func pass(_ event: UnsafeRawBufferPointer, _ reading: EventReading, _ report: (Event) -> Void) {
        if reading.hasToken, !self.sawToken {
            self.sawToken = true
            report(.token)
        }
        switch reading.kind {
        case .neutral:
            self.append(event)
            if self.output.readableBytes > StreamRelay.mostHeld { self.commit(report) }
        case .content:
            self.append(event)
            self.commit(report)
        case .usageOnly:
            report(.usage)
            guard self.showsUsage else { return }
            if let note = self.usageNote {
                self.prepareOutput()
                if self.reader.annotatedUsage(event, note: note, into: &self.output) { return }
            }
            self.append(event)
        case .end:
            self.tail.writeBytes(event)
        case .error(let problem):
            self.problemEvent.clear()
            self.problemEvent.writeBytes(event)
            report(.problem(problem))
        }
    }

    private func commit(_ report: (Event) -> Void) {
        guard !self.sawContent else { return }
        self.sawContent = true
        report(.commit)
    }

    private func append(_ event: UnsafeRawBufferPointer) {
        // Behind the dialect's own end only comments and the like may come: they keep their place.
        if self.tail.readableBytes > 0 {
            if self.tail.readableBytes < StreamRelay.mostHeld { self.tail.writeBytes(event) }
        } else {
            self.prepareOutput(for: event.count)
            self.output.writeBytes(event)
        }
    }

    /// The stream's bytes are over: an event that ended in a bare CR is whole after all.
    func end(_ report: (Event) -> Void) {
        guard self.pending.readableBytes > 0, self.scanner.isAtLineStart else { return }
        let last = self.pending.withUnsafeReadableBytes { $0[$0.count - 1] }
        guard last == 0x0D else { return }
        let event = self.pending
        event.withUnsafeReadableBytes { self.pass($0, self.reader.read($0), report) }
        self.pending.clear()
    }

    /// What is to be sent now; nil where nothing is.
    func takeOutput(withTail: Bool = false) -> ByteBuffer? {
        if withTail, self.tail.readableBytes > 0 {
            self.prepareOutput()
            self.output.writeBuffer(&self.tail)
        }
        guard self.output.readableBytes > 0 else { return nil }
        self.isOutputPrepared = false
        // Given away, so that whoever writes the framing need not copy it.
        let output = self.output
        self.output = ByteBuffer()
        return output
    }

    /// Leaves room for the framing before the first byte.
    private func prepareOutput(for bytes: Int = 0) {
        guard !self.isOutputPrepared else { return }
        // Behind the bytes the end of the framing finds room too.
        self.output = ByteBufferAllocator().buffer(capacity: max(256, bytes + AnswerHead.headroom + 2))
        self.output.moveWriterIndex(forwardBy: AnswerHead.headroom)
        self.output.moveReaderIndex(forwardBy: AnswerHead.headroom)
        self.isOutputPrepared = true
    }

    func errorEvent(_ refusal: Refusal) -> ByteBuffer {
        self.prepareOutput()
        // An event that was passed on in parts and never ended must not swallow ours.
        if self.scanner.isInsideOversize { self.output.writeStaticString("\n\n") }
        self.reader.errorEvent(refusal, into: &self.output)
        return self.takeOutput() ?? ByteBuffer()
    }

    func rewritten(_ problem: UpstreamProblem) -> ByteBuffer {
        self.prepareOutput()
        let event = self.problemEvent
        event.withUnsafeReadableBytes {
            if !self.reader.rewrittenError($0, problem: problem, into: &self.output) { self.output.writeBytes($0) }
        }
        return self.takeOutput() ?? ByteBuffer()
    }
}
