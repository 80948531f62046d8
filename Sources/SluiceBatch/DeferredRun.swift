import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceWire

/// One leased job under way: collects its answer and its attempts, and gives the store all of it in one piece.
final class DeferredRun: AnswerSink, AttemptRecorder {
    let leased: LeasedJob
    private let worker: DeferredWorker
    private let tiers: [[String]]
    private var run: DispatchRun?
    private var ends: [LedgerEntry] = []
    private var head: AnswerHead?
    private var body: [UInt8] = []
    private var isOver = false
    /// Asked of the original once the job has its answer.
    private var verified: VerifiedCall?
    /// Set where the run is broken off from outside.
    private var breakOff: BreakOff?

    enum BreakOff {
        /// The job was cancelled; the store knows already.
        case cancelled
        case overdue
        /// It is to run where it is promoted to.
        case promoted
        /// The process stops: the job is for the next one.
        case stopping
    }

    init(_ leased: LeasedJob, on tiers: [[String]], worker: DeferredWorker) {
        self.leased = leased
        self.tiers = tiers
        self.worker = worker
    }

    func start() {
        do throws(Refusal) {
            if self.leased.isOverCost {
                throw Refusal(422, .maxCostExceeded, "what the batch may cost is used up", param: "sluice.max_cost", shouldRetry: false)
            }
            guard self.retries > 0 || self.leased.job.tries.doubts == 0 else {
                return self.settle(.complete(.failed, self.result(of: DeferredRun.inDoubt)))
            }
            let call = try self.call()
            let run = self.worker.dispatcher.dispatch(call, to: self, recorder: self)
            if !self.isOver { self.run = run }
        } catch {
            self.refuse(error)
        }
    }

    private func call() throws(Refusal) -> DispatchCall {
        let live = self.worker.policy.live
        let call = try self.leased.dispatchCall(by: live, at: self.worker.clock.now)
        // The plan knows lanes, not what a rule demands of a substitute: then the first that is good enough.
        guard !call.demandsOfSubstitute else { return call }
        // What has failed where it is cheapest may go wherever the class goes: it must not use up its tries there.
        guard self.leased.job.tries.failures == 0 else { return call }
        // By name: the policy may have changed since the plan was made.
        for (rank, tier) in self.tiers.enumerated() {
            for backend in live.policy.backends where tier.contains(backend.name) { call.ranks[backend.index] = rank }
        }
        return call
    }

    func breakOff(_ reason: BreakOff) {
        guard !self.isOver else { return }
        // The call may have been carried out, and another be one too many.
        if case .promoted = reason, self.retries == 0 || self.leased.job.rung == 1 { return }
        self.breakOff = reason
        self.run?.cancel()
        self.settle()
    }

    // MARK: AttemptRecorder

    func begin(_ intent: AttemptIntent, then: @escaping (StoreError?) -> Void) {
        let loop = self.worker.loop
        let bound = NIOLoopBound(then, eventLoop: loop)
        if let backend = intent.entry.target?.backend { self.worker.paces.begin(backend) }
        self.worker.store.begin(intent, under: self.leased.lease) { result in
            loop.execute {
                switch result {
                case .success: bound.value(nil)
                case .failure(let error): bound.value(error)
                }
            }
        }
    }

    func end(_ entry: LedgerEntry) {
        var entry = entry
        if case .promoted = self.breakOff, entry.kind == .waste {
            // Nobody has left: another call takes its place.
            entry.settlement?.outcome = .superseded
            entry.settlement?.baseline = nil
        }
        if let backend = entry.target?.backend, let settlement = entry.settlement {
            self.worker.paces.end(
                backend, DeferredPace.End(settlement), tokens: self.leased.job.estimatedTokens, held: settlement.total ?? .zero,
                at: self.worker.clock.now.monotonic)
        }
        self.ends.append(entry)
    }

    // MARK: AnswerSink

    var isWritable: Bool { true }

    func answer(_ head: AnswerHead, body: ByteBuffer) {
        self.head = head
        self.body = Array(buffer: body)
        self.settle()
    }

    func begin(_ head: AnswerHead) {
        self.head = head
    }

    func send(_ events: ByteBuffer) {
        self.body.append(contentsOf: events.readableBytesView)
    }

    /// It is stored in the transaction that stores the answer.
    func verify(_ call: VerifiedCall, then: () -> Void) {
        self.verified = call
        then()
    }

    func finish(isWhole: Bool) {
        // What came of a stream that broke off is no answer.
        if isWhole {
            self.settle()
        } else {
            self.refuse(Refusal(502, .upstreamFailed, "the backend's stream broke off"))
        }
    }

    func refuse(_ refusal: Refusal) {
        guard !self.isOver else { return }
        self.settle(
            JobDisposition.of(
                refusal: refusal, lastOutcome: self.ends.last?.settlement?.outcome, body: self.result(of: refusal), self.tally,
                at: self.worker.clock.now.wall))
    }

    /// A process that was killed has left a call without a known end, and the class allows no other.
    private static let inDoubt = Refusal(
        502, .upstreamFailed, "it is not known what became of the call; it was not made again, since the backend may have done the work")

    private func result(of refusal: Refusal) -> JobResult {
        let json = ErrorBody.json(refusal, dialect: self.leased.job.endpoint.dialect, requestID: self.leased.job.requestID)
        var result = JobResult(status: refusal.status, contentType: "application/json", body: json)
        result.refusal = .init(refusal)
        result.lines = Array("sluice-error-source: \(refusal.code == .upstreamFailed ? "upstream" : "gateway")\r\n".utf8)
        if let should = refusal.shouldRetry { result.lines += Array("x-should-retry: \(should)\r\n".utf8) }
        return result
    }

    /// How often a call that may have been carried out is made again. What verifies is Sluice's own call: no client of the class minds.
    private var retries: Int {
        guard self.leased.job.kind != .verification else { return 2 }
        return self.worker.policy.live.policy.trafficClass(named: self.leased.job.trafficClass)?.retryAmbiguous ?? 2
    }

    private var tally: JobDisposition.Run {
        JobDisposition.Run(
            attempts: self.leased.job.attempts + self.ends.count, tries: self.leased.job.tries.adding(self.ends), retryAmbiguous: self.retries,
            deadline: self.leased.job.deadline, chance: Double.random(in: 0..<1))
    }

    private func settle() {
        guard !self.isOver else { return }
        let now = self.worker.clock.now.wall
        if let reason = self.breakOff {
            switch reason {
            case .cancelled: return self.close(.cancelled, result: nil)
            case .overdue: return self.close(.expired, result: nil)
            case .promoted:
                // Held for a moment, so that it cannot be leased again before it is promoted.
                return self.settle(.putBack(notBefore: now + .seconds(1), reason: "it took too long and goes on where it is promoted to"))
            case .stopping: return self.settle(.putBack(notBefore: now, reason: "the server was stopped"))
            }
        }
        guard let head = self.head else { return }
        var result = JobResult(status: head.status, contentType: head.contentType, body: self.body)
        result.lines = head.ownLines
        self.settle(JobDisposition.of(answer: result, retryAfter: head.retryAfter(at: now), self.tally, at: now))
    }

    private func settle(_ disposition: JobDisposition) {
        switch disposition {
        case .complete(let state, let result): self.close(state, result: result)
        case .putBack(let notBefore, let reason): self.putBack(notBefore: notBefore, reason: reason)
        }
    }

    // MARK: The store

    private func close(_ state: JobState, result: JobResult?) {
        self.leave(.complete(state, result))
    }

    private func putBack(notBefore: Timestamp, reason: String) {
        self.leave(.putBack(notBefore: notBefore, reason: reason))
    }

    private func leave(_ outcome: RunEnd.Outcome) {
        self.isOver = true
        // The two hold each other while there is something to tell.
        self.run = nil
        self.worker.keep(
            RunEnd(
                job: self.leased.job.id, lease: self.leased.lease, outcome: outcome, attempts: self.ends, verified: self.verified,
                at: self.worker.clock.now.wall))
    }
}

extension DispatchCall {
    /// Whether its substitute must be of some precision or size.
    fileprivate var demandsOfSubstitute: Bool {
        self.decision.substitutions.contains { index in
            let rule = self.live.policy.substitutions[index]
            return rule.minPrecision != nil || rule.minParameters != nil
        }
    }
}

extension AnswerHead {
    /// What Sluice says of the answer itself.
    fileprivate var ownLines: [UInt8] {
        let head = UpstreamHead(status: self.status, lines: self.lines, endsWithConnection: false)
        let names: [StaticString] = ["sluice-route", "sluice-cost", "sluice-error-source", "server-timing"]
        return Array(names.compactMap { name in head.value(of: name).map { "\(name): \($0)\r\n" } }.joined().utf8)
    }

    /// The wait that the passed-on answer names.
    fileprivate func retryAfter(at now: Timestamp) -> Duration? {
        let head = UpstreamHead(status: self.status, lines: self.lines, endsWithConnection: false)
        return RetryAfter.parse(seconds: head.value(of: "retry-after"), milliseconds: head.value(of: "retry-after-ms"), at: now)
    }
}
