import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceWire

/// A request of a class that waits: written to the queue first, then answered as its client consented to (`contract.md`, Deferred work).
final class QueueWait {
    private let job: Job
    private let quote: Batch.Quote
    private let call: StoredCall
    private let decision: Decision
    private let answerKind: Decision.WaitAnswer
    private unowned let sink: LiveExchange
    private let server: ServerLoop
    private let deferral: Deferral
    private let live: LivePolicy
    private let endpoint: Endpoint
    private var token: UInt64?
    private var timer: Scheduled<Void>?
    private var isOver = false
    private var isStored = false
    private let keeper: AnswerKeeper?
    /// A background response whose client wants its events on this connection.
    private let isStreamed: Bool

    init(
        _ hot: HotRequest, _ request: InferenceRequest, _ fields: RequestFields, _ decision: Decision, sink: LiveExchange, server: ServerLoop,
        keeper: AnswerKeeper?
    ) throws(Refusal) {
        guard let deferral = server.deferral, let wait = decision.wait else {
            throw Refusal(503, .noBackend, "this server has no queue for work that waits")
        }
        let policy = hot.live.policy
        let kind: Job.Kind =
            switch wait.answer {
            case .hold: .held
            case .queued: .background
            case .job: .async
            }
        var job = Job(
            id: server.ids.next(kind == .background ? "resp_" : "job_", at: hot.arrived.wall.milliseconds), requestID: hot.id, kind: kind,
            tenant: request.tenant,
            key: request.key, trafficClass: policy.classes[decision.trafficClass].name, route: policy.routes[decision.route].displayName,
            endpoint: hot.endpoint, model: request.model, sentModel: policy.models[decision.model].name, created: hot.arrived.wall,
            deadline: wait.deadline, notBefore: wait.notBefore)
        // Who waits on a connection does not wait for a provider's batch.
        if kind == .held, policy.hasLane(for: policy.classes[decision.trafficClass]) { job.rung = Job.offLanes }
        job.promoteAt = wait.promoteAt
        job.promoteTo = wait.promoteTo.map { policy.pools[$0].name }
        job.maxCost = decision.maxCost
        job.estimatedCost = hot.live.estimate(request, decision, at: hot.arrived.wall)
        job.measure(request, prefix: hot.body.withUnsafeReadableBytes { fields.prefixHash(in: $0) })
        let quote = deferral.outlook.quote(job, request, live: hot.live)
        job.estimatedCost = quote.cost
        self.quote = quote
        self.job = job
        var stored = request
        var body = Array(buffer: hot.body)
        if kind == .background {
            stored.isStream = false
            body = hot.body.withUnsafeReadableBytes { fields.foreground(of: $0) }
        }
        self.call = StoredCall(request: stored, fields: hot.forwarded, body: body, clientRequestID: hot.clientRequestID)
        self.isStreamed = kind == .background && request.isStream
        self.keeper = keeper
        keeper?.job = job.id
        self.decision = decision
        self.answerKind = wait.answer
        self.sink = sink
        self.server = server
        self.deferral = deferral
        self.live = hot.live
        self.endpoint = hot.endpoint
    }

    /// Writes the job to the queue; nothing is answered before it is on disk.
    func begin() {
        let loop = self.server.loop
        let bound = NIOLoopBound(self, eventLoop: loop)
        if self.isWaitedFor {
            self.token = self.deferral.signals.wait(for: self.job.id) { end in loop.execute { bound.value.ended(end) } }
        }
        self.deferral.store.enqueue(self.job, call: self.call, answer: self.kept) { result in
            loop.execute { bound.value.stored(result) }
        }
    }

    private var isWaitedFor: Bool {
        switch self.answerKind {
        case .job(let wait): wait.map { $0 > .zero } ?? false
        case .hold: true
        case .queued: self.isStreamed
        }
    }

    private func stored(_ result: Result<Void, StoreError>) {
        if case .success = result {
            self.isStored = true
            self.deferral.signals.nudge()
            if !self.isAnsweredWhole { self.keeper?.release() }
        }
        guard !self.isOver else {
            // The client of a held connection left while the job was written.
            if case .success = result, self.job.kind == .held { self.cancelJob() }
            return
        }
        switch result {
        case .failure(let error): self.refuse(QueueWait.refusal(for: error))
        case .success: self.answerOrWait()
        }
    }

    private static func refusal(for error: StoreError) -> Refusal {
        if case .full = error.code { return Refusal(507, .storageFull, "the disk is full: no new work can be queued") }
        return Refusal(503, .storageError, "the job could not be stored: \(error.message)", retryAfter: .seconds(5))
    }

    private func answerOrWait() {
        switch self.answerKind {
        case .job(let wait?) where wait > .zero: self.schedule(wait) { $0.accept() }
        case .queued where self.isStreamed: self.beginEvents()
        case .job, .queued: self.accept()
        case .hold(let time): self.schedule(time) { $0.holdIsOver() }
        }
    }

    private func schedule(_ time: Duration, _ then: @escaping @Sendable (QueueWait) -> Void) {
        let bound = NIOLoopBound(self, eventLoop: self.server.loop)
        self.timer = self.server.loop.scheduleTask(in: .nanoseconds(time.nanoseconds)) { then(bound.value) }
    }

    /// Whether the job's own answer may come on this connection: then it is what the idempotency key keeps.
    private var isAnsweredWhole: Bool { self.isWaitedFor && !self.isStreamed }

    private var isHeld: Bool { if case .hold = self.answerKind { true } else { false } }

    /// What the transaction of the job stores under the idempotency key, until the job's own answer takes its place; a held connection promises
    /// nothing.
    private var kept: KeptAnswer? {
        guard let keeper = self.keeper, !self.isHeld else { return nil }
        let (head, body) = self.acceptance
        return keeper.kept(head, body)
    }

    /// 202, or the queued response: the job is on disk, and the client knows where to ask.
    private func accept() {
        guard self.close() else { return }
        // What is answered now is kept with the job.
        self.keeper?.release()
        let (head, body) = self.acceptance
        self.sink.answer(head, body: body)
    }

    private var acceptance: (AnswerHead, ByteBuffer) {
        var lines = ByteBuffer()
        lines.writeStaticString("content-type: application/json\r\n")
        lines.writeRequestID(self.job.requestID, dialect: self.endpoint.dialect)
        if let quote = JobBody.quote(self.quote, currency: self.live.policy.currency) { lines.writeString("sluice-quote: \(quote)\r\n") }
        guard self.job.kind != .background else {
            return (
                AnswerHead(status: 200, lines: lines),
                ByteBuffer(bytes: BackgroundResponse.json(self.job, request: self.call.body))
            )
        }
        lines.writeString("location: /v1/jobs/\(self.job.id)\r\npreference-applied: respond-async\r\nvary: prefer\r\n")
        lines.writeString("retry-after: \(JobBody.retryAfter(self.job, at: self.server.clock.now.wall))\r\n")
        return (AnswerHead(status: 202, lines: lines), ByteBuffer(bytes: JobBody.json(self.job, self.quote)))
    }

    // MARK: Events of a background response

    private func beginEvents() {
        var lines = ByteBuffer()
        lines.writeStaticString("content-type: text/event-stream\r\n")
        lines.writeRequestID(self.job.requestID, dialect: self.endpoint.dialect)
        self.sink.begin(AnswerHead(status: 200, lines: lines))
        let queued = BackgroundResponse.json(self.job, request: self.call.body)
        self.send(BackgroundResponse.event("response.created", 0, queued) + BackgroundResponse.event("response.queued", 1, queued))
    }

    private func finishEvents(_ end: JobEnd) {
        var job = self.job
        var answer: [UInt8]?
        switch end {
        case .answered(let result):
            job.state = (200..<300).contains(result.status) ? .done : .failed
            answer = result.body
        case .expired: job.state = .expired
        case .cancelled: job.state = .cancelled
        }
        let last =
            answer.flatMap { BackgroundResponse.json(job, answer: $0) } ?? BackgroundResponse.json(job, request: self.call.body, answer: answer)
        self.send(BackgroundResponse.event(BackgroundResponse.endType(job, last), 2, last))
        self.sink.finish(isWhole: true)
    }

    private func send(_ events: [UInt8]) {
        // Room for the chunk's framing before them.
        var buffer = ByteBuffer(repeating: 0, count: 16)
        buffer.moveReaderIndex(forwardBy: 16)
        buffer.writeBytes(events)
        self.sink.send(buffer)
    }

    /// The time on the open connection is over: promoted at once if the class says so, else given up.
    private func holdIsOver() {
        guard !self.isOver else { return }
        if self.job.promoteTo == nil { self.giveUp() } else { self.promote(isLast: false) }
    }

    /// Takes the job to the pool that it is to be promoted to, away from where it runs; where that cannot be, it is given up after all.
    private func promote(isLast: Bool) {
        let loop = self.server.loop
        let bound = NIOLoopBound(self, eventLoop: loop)
        self.deferral.promote(self.job.id) { isThere in
            loop.execute {
                let wait = bound.value
                guard !wait.isOver else { return }
                if isThere { return wait.schedule(wait.patience) { $0.giveUp() } }
                // It may be between two runs, or its answer on the way.
                if isLast { wait.giveUp() } else { wait.schedule(.seconds(1)) { $0.promote(isLast: true) } }
            }
        }
    }

    /// How much longer than the hold a client waits for what was promoted, as long as it waits for a tier: then it leaves, or is told.
    private var patience: Duration {
        let timeout = self.call.request.wishes.readTimeout ?? .seconds(600)
        let bound = max(timeout - .seconds(30), .milliseconds(timeout.milliseconds / 2))
        guard case .hold(let time) = self.answerKind else { return bound }
        return max(bound - time, .seconds(1))
    }

    /// Ends the job and tells the client; where it has just ended by itself, its answer comes.
    private func giveUp() {
        guard !self.isOver else { return }
        let (loop, drop, id) = (self.server.loop, self.deferral.drop, self.job.id)
        let bound = NIOLoopBound(self, eventLoop: loop)
        self.deferral.store.cancel(id, tenant: nil, at: self.server.clock.now.wall) { result in
            let found = (try? result.get()) ?? nil
            if found?.wasRunning == true { drop(id) }
            loop.execute { bound.value.gaveUp(found) }
        }
    }

    private func gaveUp(_ found: (job: Job, wasRunning: Bool)?) {
        guard !self.isOver else { return }
        let became =
            switch found {
            case let found? where found.wasRunning: "the call that was made for it had no answer yet and was dropped"
            case let found? where found.job.attempts > 0: "the calls that were made for it came to nothing"
            default: "it was not run"
            }
        let refusal = Refusal(
            429, .resourceUnavailable, "no cheaper capacity came free in the time that this request may wait; \(became)", retryAfter: .seconds(60))
        guard let found, !found.wasRunning, found.job.state != .cancelled else { return self.refuse(refusal) }
        self.schedule(.seconds(1)) { $0.refuse(refusal) }
    }

    private func ended(_ end: JobEnd) {
        guard self.close() else { return }
        if self.isStreamed { return self.finishEvents(end) }
        switch end {
        case .answered(let result):
            var lines = ByteBuffer()
            lines.writeString("content-type: \(result.contentType)\r\n")
            lines.writeRequestID(self.job.requestID, dialect: self.endpoint.dialect)
            lines.writeBytes(result.lines)
            self.sink.answer(
                AnswerHead(status: result.status, lines: lines), body: ByteBuffer(bytes: result.body))
        case .expired:
            self.sink.refuse(Refusal(504, .deadlineExceeded, "the job's deadline has passed", shouldRetry: false))
        case .cancelled:
            self.sink.refuse(Refusal(410, .cancelled, "the job was cancelled", shouldRetry: false))
        }
    }

    private func refuse(_ refusal: Refusal) {
        guard self.close() else { return }
        self.sink.refuse(refusal)
    }

    /// A held connection that closes takes its job with it; a job with a 202 goes on.
    func clientLeft() {
        guard self.close() else { return }
        if self.job.kind == .held { self.cancelJob() }
    }

    /// The server stops now: a client that may poll is told where, one that may not is refused and takes its job with it.
    func cut() {
        guard !self.isOver else { return }
        switch self.answerKind {
        case .job where self.isStored: self.accept()
        case .job, .hold: self.refuseForGood(Refusal(503, .draining, "the server is shutting down", retryAfter: .seconds(1)))
        case .queued: if self.isStreamed, self.isStored, self.close() { self.sink.finish(isWhole: false) }
        }
    }

    private func refuseForGood(_ refusal: Refusal) {
        guard self.close() else { return }
        if self.job.kind == .held { self.cancelJob() }
        self.sink.refuse(refusal)
    }

    private func cancelJob() {
        let (drop, id) = (self.deferral.drop, self.job.id)
        self.deferral.store.cancel(id, tenant: nil, at: self.server.clock.now.wall) { result in
            if case .success(let found) = result, found?.wasRunning == true { drop(id) }
        }
    }

    /// False where it was closed before.
    private func close() -> Bool {
        guard !self.isOver else { return false }
        self.isOver = true
        self.timer?.cancel()
        if let token = self.token { self.deferral.signals.stopWaiting(for: self.job.id, token) }
        return true
    }
}
