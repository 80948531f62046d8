import NIOPosix
import SluiceCore
package import SluiceDispatch

/// Gives what waits the class and the terms that the policy in force gives such a request, after a reload that asked for it (`policy.md` 14).
///
/// A deadline that the client named stays, and so does that of a batch; what the policy would refuse now, what is promoted already and what
/// somebody waits for on a connection keeps what it has.
package struct QueueReclassification: Sendable {
    private static let page = 500

    private let deferral: Deferral
    private let policy: PolicyInForce
    private let clock: SluiceClock
    private let lines: LineReader

    package init(_ deferral: Deferral, policy: PolicyInForce, clock: SluiceClock) {
        self.deferral = deferral
        self.policy = policy
        self.clock = clock
        self.lines = LineReader(deferral.files)
    }

    /// Gives how many jobs changed.
    package func run() async throws -> Int {
        var (changed, after) = (0, String?.none)
        while true {
            let (last, now) = (after, self.clock.now.wall)
            let (page, jobs) = try await NIOThreadPool.singleton.runIfActive { () -> ([Job], [Job]) in
                let page = try self.deferral.store.jobs(tenant: nil, states: [.held, .ready], limit: QueueReclassification.page, after: last)?.page ?? []
                return (page, try self.reclassified(page, at: now))
            }
            guard let end = page.last else { break }
            after = end.id
            changed += try await withCheckedThrowingContinuation { waiting in
                self.deferral.store.requeue(jobs, at: now) { waiting.resume(with: $0) }
            }
        }
        self.deferral.signals.nudge()
        return changed
    }

    private func reclassified(_ page: [Job], at now: Timestamp) throws -> [Job] {
        let live = self.policy.live
        var batches: [String: Batch] = [:]
        return try page.compactMap { job in
            guard job.rung != 1, job.kind != .held, let call = try self.call(of: job) else { return nil }
            if let id = job.batchID, batches[id] == nil { batches[id] = try self.deferral.batches.batch(id, tenant: nil) }
            return job.reclassified(call.request, batch: job.batchID.flatMap { batches[$0] }, by: live, at: now)
        }
    }

    private func call(of job: Job) throws -> StoredCall? {
        if job.source != nil { return self.lines.call(of: job) }
        return try self.deferral.store.call(of: job.id, tenant: nil)
    }
}

extension Job {
    /// The job as `live` would take it in; nil where it would refuse it.
    fileprivate func reclassified(_ stored: InferenceRequest, batch: Batch?, by live: LivePolicy, at now: Timestamp) -> Job? {
        let policy = live.policy
        var request = stored
        if let batch { request.tags.merge(batch.tags) { line, _ in line } }
        let keepsDeadline = batch != nil || request.wishes.deadline != nil
        if keepsDeadline { request.wishes.deadline = self.deadline.map { .at($0) } }
        let tenant = policy.tenants.first { $0.name == self.tenant } ?? policy.defaultTenant
        guard let decision = try? live.classify(request, tenant: tenant, at: now) else { return nil }
        var job = self
        job.trafficClass = policy.classes[decision.trafficClass].name
        job.route = policy.routes[decision.route].displayName
        job.sentModel = policy.models[decision.model].name
        job.maxCost = decision.maxCost
        job.estimatedCost = live.estimate(request, decision, at: now)
        job.notBefore = decision.wait?.notBefore ?? now
        // A class's deadline counts from when the request came.
        let age = keepsDeadline ? .zero : now - self.created
        if let wait = decision.wait, !keepsDeadline { job.deadline = wait.deadline.map { $0 - age } }
        let isPromoted = batch?.onDeadline != .expire
        job.promoteAt = isPromoted ? decision.wait?.promoteAt.map { $0 - age } : nil
        job.promoteTo = isPromoted ? decision.wait?.promoteTo.map { policy.pools[$0].name } : nil
        return job
    }
}
