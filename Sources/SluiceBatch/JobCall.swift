import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceWire

extension LeasedJob {
    /// The call of the job as the policy in force sees it: class and deadline are kept, pools and prices are today's.
    func dispatchCall(by live: LivePolicy, at now: Now) throws(Refusal) -> DispatchCall {
        let (job, policy) = (self.job, live.policy)
        guard let trafficClass = policy.trafficClass(named: job.trafficClass) else {
            throw Refusal(503, .noBackend, "the class `\(job.trafficClass)` is no longer part of the policy")
        }
        guard let model = policy.model(named: job.sentModel), let requested = policy.model(named: job.model) else {
            throw Refusal(404, .modelNotFound, "the model `\(job.model)` is no longer part of the policy", param: "model")
        }
        guard let stored = self.call else { throw .invalid("the request of this line is gone or cannot be read") }
        let bytes = ByteBuffer(bytes: stored.body)
        let fields = try bytes.withUnsafeReadableBytes { bytes throws(Refusal) in try RequestFields(bytes, endpoint: job.endpoint) }
        let route = policy.routes.first { $0.displayName == job.route }?.index ?? 0
        var decision = Decision(route: route, trafficClass: trafficClass.index, requested: requested.index, budget: LatencyBudget())
        // By today's rules, so that what they demand of a substitute holds for what waited, too.
        if job.kind != .verification, job.model != job.sentModel { policy.substitute(&decision, stored.request, trafficClass) }
        if decision.model != model.index { decision.substitutions = [] }
        decision.model = model.index
        decision.maxCost = job.maxCost
        decision.budget.total = job.deadline.map { max($0 - now.wall, .zero) }
        let request = stored.request
        let subject = LedgerEntry.Subject(
            requestID: job.requestID, jobID: job.id, batchID: job.batchID, customID: job.customID, clientRequestID: stored.clientRequestID,
            tenant: job.tenant, key: job.key, trafficClass: job.trafficClass, route: job.route, model: job.model, serve: .later,
            tierRequested: request.serviceTier, policy: policy.revision, tags: request.tags, currency: policy.currency)
        let call = DispatchCall(
            live: live, request: request, decision: decision, fields: fields, body: bytes, forwarded: stored.fields,
            subject: subject, arrived: now)
        call.namesAnthropicVersion = String(decoding: stored.fields, as: UTF8.self).contains("anthropic-version:")
        call.pools = job.rung == 1 ? policy.pools.first { $0.name == job.promoteTo }.map { [$0.index] } ?? trafficClass.promote.map { [$0.pool] } : nil
        if job.kind == .verification {
            call.isVerification = true
            call.pools = policy.pools(ofOriginal: model, for: trafficClass, on: job.endpoint)
        }
        call.queued = max(now.wall - job.created, .zero)
        call.earlierAttempts = job.attempts
        call.patience = .zero
        return call
    }
}
