import NIOCore
import SluiceCore
import SluiceWire

/// One call to one backend, and the reading of its answer up to the commit point and beyond. Bound to the event loop of its run.
final class Attempt: UpstreamReceiver {
    /// What the bytes that come are.
    private enum Mode {
        case unanswered
        /// An error answer: kept whole, to be passed on or judged.
        case problem
        /// Not a stream: kept whole, since only its end tells whether it is an answer.
        case whole
        case stream
    }

    /// A body that is kept whole is no longer than this.
    private static let longestProblem = 1 << 20
    private static let longestWhole = 64 << 20

    let number: Int
    let candidate: Route.Candidate
    let slot: BackendSlot
    let upstream: LivePolicy.Upstream
    let intent: AttemptIntent
    /// What budgets hold for it until it is settled.
    let reservation: BudgetBook.Reservation?
    let started: MonotonicInstant
    /// Where the node's sums stood when it began; nil where it is not hardware of one's own.
    let work: NodeMeter.Mark?
    private let run: DispatchRun
    private(set) var head: UpstreamHead?
    private(set) var facts = AnswerFacts()
    private(set) var wasSent = false
    private(set) var firstToken: MonotonicInstant?
    /// Something came since the last look: what idle time-outs ask.
    var wasActive = false
    var handle: (any UpstreamCallHandle)?
    /// The one end of the attempt is booked.
    var isSettled = false

    private var mode = Mode.unanswered
    private var body = ByteBuffer()
    private var relay: StreamRelay?
    /// A stream that has more runs away.
    private var mostTokens = Int.max
    /// What comes is passed on as it comes.
    private var isRelayed = false

    init(
        number: Int, candidate: Route.Candidate, slot: BackendSlot, upstream: LivePolicy.Upstream, intent: AttemptIntent,
        reservation: BudgetBook.Reservation?, started: MonotonicInstant, work: NodeMeter.Mark?, run: DispatchRun
    ) {
        self.number = number
        self.candidate = candidate
        self.slot = slot
        self.upstream = upstream
        self.intent = intent
        self.reservation = reservation
        self.started = started
        self.work = work
        self.run = run
    }

    var wasAnswered: Bool { self.head != nil }
    /// The backend has begun to answer, and not with an error: it has read the prompt.
    var hasBegunAnswer: Bool { self.head.map { (200..<300).contains($0.status) } ?? false }
    var keptBody: ByteBuffer { self.body }
    var currentFacts: AnswerFacts { self.relay?.facts ?? self.facts }

    /// Drops the call; nothing more is heard of it.
    func cancel() {
        if self.handle?.cancel() == true { self.wasSent = true }
        self.handle = nil
    }

    // MARK: UpstreamReceiver

    func callSent() {
        self.wasSent = true
    }

    func callAnswered(_ head: UpstreamHead) {
        self.head = head
        self.wasActive = true
        switch head.status {
        case 200..<300 where head.status != 204 && head.status != 205:
            guard self.run.call.request.isStream, head.isEventStream else {
                self.mode = .whole
                return
            }
            self.mode = .stream
            self.mostTokens = self.run.call.request.mostTokensOfStream
            let endpoint = self.run.call.request.endpoint
            self.relay = StreamRelay(
                reader: self.upstream.dialect.streamReader(for: endpoint), showsUsage: self.run.call.request.wantsUsage || endpoint.alwaysShowsUsage)
        case 400..<600:
            self.mode = .problem
        default:
            self.cancel()
            self.run.attempt(self, failed: .answered(status: 502), as: .upstreamError)
        }
    }

    func callReceived(_ bytes: ByteBuffer) {
        self.wasActive = true
        switch self.mode {
        case .unanswered:
            break
        case .problem:
            self.keep(bytes, atMost: Attempt.longestProblem)
        case .whole:
            self.keep(bytes, atMost: Attempt.longestWhole)
        case .stream:
            guard let relay else { return }
            relay.take(bytes) { self.handle(event: $0) }
            guard relay.facts.tokens > self.mostTokens else { return }
            self.flush()
            self.run.attemptRunsAway(self)
        }
    }

    func callPaused() {
        self.flush()
    }

    func callEnded() {
        self.handle = nil
        switch self.mode {
        case .unanswered:
            self.run.attempt(self, failed: .ambiguous(isTimeout: false), as: .unknown)
        case .problem:
            self.run.attempt(self, failed: .answered(status: self.head?.status ?? 502), as: .refused)
        case .whole:
            self.endWhole()
        case .stream:
            self.endStream()
        }
    }

    func callFailed(_ failure: TransportFailure) {
        self.handle = nil
        switch (failure.kind, self.mode) {
        case (.notSent, _):
            self.run.attempt(self, failed: .notSent, as: .notSent, reason: failure.reason)
        case (.unreached, _):
            self.run.attempt(self, failed: .notSent, as: .notSent, report: .silence, reason: failure.reason)
        case (.local, _):
            self.run.attempt(self, failed: .notSent, as: .notSent, report: .nothing, reason: failure.reason)
        case (.hungUp, .unanswered):
            self.run.attempt(self, failed: .hungUp, as: .unknown, reason: failure.reason)
        case (.cut, .stream), (.ambiguous, .stream), (.malformed, .stream):
            self.flush()
            self.run.attempt(self, brokeOff: .truncated, saying: "the backend's stream broke off: \(failure.reason)")
        default:
            self.run.attempt(self, failed: .ambiguous(isTimeout: false), as: self.wasAnswered ? .truncated : .unknown, reason: failure.reason)
        }
    }

    // MARK: Whole answers

    private func keep(_ bytes: ByteBuffer, atMost limit: Int) {
        guard self.body.readableBytes + bytes.readableBytes <= limit else {
            self.cancel()
            self.run.attempt(self, failed: .ambiguous(isTimeout: false), as: .upstreamError, reason: "the answer is longer than \(limit) bytes")
            return
        }
        if self.body.readableBytes == 0 { self.body = bytes } else { self.body.writeImmutableBuffer(bytes) }
    }

    private func endWhole() {
        // An answer in a coding that was not asked for cannot be read, hence not be judged or metered.
        if self.head?.isCoded ?? false {
            return self.run.attempt(self, failed: .ambiguous(isTimeout: false), as: .upstreamError, reason: "the answer is compressed, which was not asked for")
        }
        var reading = self.body.withUnsafeReadableBytes { self.upstream.dialect.readWhole($0, on: self.run.call.request.endpoint) }
        // Moved, not copied.
        swap(&self.facts, &reading.facts)
        switch reading.kind {
        case .answer:
            let now = self.run.now
            self.firstToken = now.monotonic
            self.run.attempt(self, answeredWhole: self.body, at: now)
        case .error(let problem):
            self.run.attempt(self, failed: .reported(self.upstream.masked(problem)), as: .refused)
        case .garbage(let reason):
            self.run.attempt(self, failed: .ambiguous(isTimeout: false), as: .upstreamError, reason: reason)
        }
    }

    // MARK: Streams

    private func handle(event: StreamRelay.Event) {
        switch event {
        case .token:
            self.firstToken = self.run.now.monotonic
            self.run.attempt(self, sawFirstTokenAt: self.firstToken ?? self.started)
        case .usage:
            self.relay?.usageNote = self.run.usageNote(for: self, facts: self.currentFacts)
        case .commit:
            self.run.attemptCommits(self)
            self.isRelayed = self.run.isCommitted
        case .problem(let reported):
            let problem = self.upstream.masked(reported)
            self.relay?.isOver = true
            if self.run.isCommitted {
                self.flush()
                self.cancel()
                self.run.attempt(self, reportedLate: problem)
            } else {
                self.cancel()
                self.run.attempt(self, failed: .reported(problem), as: .refused)
            }
        }
    }

    private func flush() {
        guard self.isRelayed, let bytes = self.relay?.takeOutput() else { return }
        self.run.attempt(self, relays: bytes)
    }

    private func endStream() {
        guard let relay, !relay.isOver else { return }
        relay.end { self.handle(event: $0) }
        guard !relay.isOver else { return }
        guard relay.facts.isFinished else {
            self.flush()
            if self.run.isCommitted {
                return self.run.attempt(self, brokeOff: .truncated, saying: "the backend's stream ended before its end")
            }
            return self.run.attempt(self, failed: .ambiguous(isTimeout: false), as: .truncated, reason: "the stream ended before its first word")
        }
        if !self.run.isCommitted { self.run.attemptCommits(self) }
        self.run.attempt(self, endedStreamWith: relay.takeOutput(withTail: true))
    }

    /// Writes the in-band error event of the route's dialect.
    func errorEvent(_ refusal: Refusal) -> ByteBuffer { self.relay?.errorEvent(refusal) ?? ByteBuffer() }

    /// A late error event of the backend's own, in the form in which the client gets it.
    func lateProblem(_ problem: UpstreamProblem) -> ByteBuffer {
        guard let event = self.relay?.rewritten(problem) else { return ByteBuffer() }
        guard self.upstream.isEchoed(in: event) else { return event }
        return self.errorEvent(Refusal(problem.status, .upstreamFailed, problem.message))
    }
}

extension Endpoint {
    /// Dialects whose own events carry the usage: nothing is added to ask for it, and nothing is taken out.
    var alwaysShowsUsage: Bool {
        switch self {
        case .chat, .completions: false
        case .embeddings, .responses, .messages, .countTokens: true
        }
    }
}
