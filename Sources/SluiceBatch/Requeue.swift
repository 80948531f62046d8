package import SluiceCore
package import SluiceDispatch

/// Gives waiting jobs the class that a new policy has for them (`policy.md` 14).
///
/// Times count from when they were handed in. What runs stays as it is, and so does what the policy refuses, and whose client waits on its
/// connection: that has been told how long.
package struct Requeue: Sendable {
    private static let page = 500

    private let deferral: Deferral
    private let live: LivePolicy
    private let now: Timestamp
    private let lines: LineReader
    private var batches: [String: Batch] = [:]

    package init(_ deferral: Deferral, by live: LivePolicy, at now: Timestamp) {
        self.deferral = deferral
        self.live = live
        self.now = now
        self.lines = LineReader(deferral.files)
    }

    /// Gives how many have changed. Blocks for reads of the store.
    package mutating func run() async throws -> Int {
        var (changed, after) = (0, String?.none)
        while let (jobs, hasMore) = try self.deferral.store.jobs(tenant: nil, states: [.held, .ready], limit: Requeue.page, after: after) {
            var anew: [Job] = []
            for job in jobs {
                if let job = try self.reclassified(job) { anew.append(job) }
            }
            if !anew.isEmpty { changed += try await self.write(anew) }
            guard hasMore, let last = jobs.last else { break }
            after = last.id
        }
        self.deferral.signals.nudge()
        return changed
    }

    private func write(_ jobs: [Job]) async throws -> Int {
        let store = self.deferral.store
        return try await withCheckedThrowingContinuation { waiting in store.reclassify(jobs) { waiting.resume(with: $0) } }
    }

    /// nil where it stays as it is.
    private mutating func reclassified(_ job: Job) throws(StoreError) -> Job? {
        guard job.kind != .held, job.kind != .verification, let tenant = self.live.policy.tenants.first(where: { $0.name == job.tenant }),
            let request = try self.request(of: job), let decision = try? self.live.classify(request, tenant: tenant, at: job.created)
        else { return nil }
        return try self.job(job, asking: request, decision)
    }

    /// What a line is that no policy has given a class yet.
    ///
    /// - Throws: The ``Refusal`` of the policy, or what the store says.
    mutating func classified(_ line: Job) throws -> Job {
        guard let request = try self.request(of: line) else { throw Refusal.invalid("the request of this line is gone or cannot be read") }
        let tenant = self.live.policy.tenants.first { $0.name == line.tenant } ?? self.live.policy.defaultTenant
        var job = try self.job(line, asking: request, try self.live.classify(request, tenant: tenant, at: self.now))
        job.measure(request, prefix: 0)
        return job
    }

    private mutating func job(_ job: Job, asking request: InferenceRequest, _ decision: Decision) throws(StoreError) -> Job {
        let policy = self.live.policy
        let trafficClass = policy.classes[decision.trafficClass]
        var new = job
        new.trafficClass = trafficClass.name
        new.route = policy.routes[decision.route].displayName
        new.sentModel = policy.models[decision.model].name
        new.maxCost = decision.maxCost
        new.estimatedCost = self.live.estimate(request, decision, at: self.now)
        if let wait = decision.wait { new.deadline = wait.deadline }
        let mayPromote = try self.batch(of: job)?.onDeadline != .expire
        new.promoteAt = mayPromote ? decision.wait?.promoteAt : nil
        new.promoteTo = mayPromote ? decision.wait?.promoteTo.map { policy.pools[$0].name } : nil
        // Who was promoted stays so as long as the class is the same.
        if new.trafficClass != job.trafficClass, new.rung == 1 { new.rung = 0 }
        new.notBefore = max(self.now, trafficClass.during.flatMap { policy.calendar.nextOpening(of: $0, from: self.now) }?.lowerBound ?? self.now)
        // A pause after a failure is not the policy's: it lasts.
        if new.trafficClass == job.trafficClass, job.attempts > 0 { new.notBefore = max(new.notBefore, job.notBefore) }
        new.state = new.notBefore > self.now && new.rung != 1 ? .held : .ready
        if new.state == .ready, job.state == .ready { new.notBefore = job.notBefore }
        return new
    }

    private mutating func request(of job: Job) throws(StoreError) -> InferenceRequest? {
        guard job.source != nil else { return try self.deferral.store.call(of: job.id, tenant: nil)?.request }
        guard var request = self.lines.call(of: job)?.request, let batch = try self.batch(of: job) else { return nil }
        request.tags.merge(batch.tags) { line, _ in line }
        request.wishes.deadline = .at(batch.deadline)
        request.wishes.maxCost = [request.wishes.maxCost, batch.maxCost].compactMap { $0 }.min()
        return request
    }

    private mutating func batch(of job: Job) throws(StoreError) -> Batch? {
        guard let id = job.batchID else { return nil }
        if let known = self.batches[id] { return known }
        let batch = try self.deferral.batches.batch(id, tenant: nil)
        self.batches[id] = batch
        return batch
    }
}
