package import Logging
import NIOPosix
import ServiceLifecycle
package import SluiceCore
package import SluiceDispatch

/// Decides which waiting jobs run now: opens windows, promotes in time, ends what is overdue, plans the queue ahead, and leases as many jobs
/// as there is room for.
package struct BatchScheduler: Service {
    /// Without a nudge it looks this often.
    private static let tick = Duration.milliseconds(250)

    private let worker: DeferredWorker
    private let deferral: Deferral
    private let ledger: any Ledger
    private let loads: EngineLoads
    private let lines: LineReader
    private let bundles: BundleKeeper
    private let logger: Logger

    package init(worker: DeferredWorker, deferral: Deferral, ledger: any Ledger, loads: EngineLoads, bundles: BundleKeeper, logger: Logger) {
        self.worker = worker
        self.deferral = deferral
        self.ledger = ledger
        self.loads = loads
        self.lines = LineReader(deferral.files)
        self.bundles = bundles
        self.logger = logger
    }

    package func run() async throws {
        let (nudges, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.worker.signals.onNudge { continuation.yield() }
        var desk = LeaseDesk()
        await withDiscardingTaskGroup { group in
            group.addTask {
                // Cancelled in its sleep: the end of everything else waits for this one.
                await cancelWhenGracefulShutdown {
                    while !Task.isCancelled {
                        continuation.yield()
                        try? await Task.sleep(for: BatchScheduler.tick)
                    }
                }
                continuation.finish()
            }
            for await _ in nudges.cancelOnGracefulShutdown() {
                do {
                    try await self.look(&desk)
                } catch is CancellationError {
                    return
                } catch {
                    self.logger.error("the queue could not be looked at", metadata: ["reason": "\((error as? StoreError)?.message ?? "\(error)")"])
                }
            }
        }
    }

    private func look(_ desk: inout LeaseDesk) async throws {
        let now = self.worker.clock.now
        // By the clock and not by who woke it: nudges come by the thousand, and what time does costs transactions.
        if desk.isTick(now, every: BatchScheduler.tick) {
            try await self.keepTime(at: now.wall)
            try await self.learn(&desk, at: now)
        }
        try await self.fill(&desk, at: now)
    }

    /// What time does to the queue.
    private func keepTime(at now: Timestamp) async throws {
        var release = try await self.worker.store.release(at: now)
        while release.moved > 0, let next = release.next, next <= now { release = try await self.worker.store.release(at: now) }
        while try await self.sweepBatches(at: now) > 0 {}
        var unclassified = UnclassifiedLines(self.deferral, by: self.worker.policy.live, at: now)
        try await unclassified.run()
        let due = try await self.worker.store.expire(at: now)
        for job in due.expired { self.worker.signals.announce(job, .expired) }
        self.worker.breakOff(due.overdue, .overdue)
    }

    /// Goes on with what is too much for one transaction: cancelled, retried and erased batches.
    private func sweepBatches(at now: Timestamp) async throws -> Int {
        try await withCheckedThrowingContinuation { waiting in self.deferral.batches.sweepBatches(at: now) { waiting.resume(with: $0) } }
    }

    /// Once an hour, what the weeks behind teach.
    private func learn(_ desk: inout LeaseDesk, at now: Now) async throws {
        guard desk.profilesAge(at: now.wall) >= .seconds(3600) else { return }
        let (ledger, policy) = (self.ledger, self.worker.policy.live.policy)
        desk.adopt(try await NIOThreadPool.singleton.runIfActive { try TrafficProfiles(ledger, policy, at: now.wall) }, at: now.wall)
    }

    /// Leases what there is room for, as the plan says.
    private func fill(_ desk: inout LeaseDesk, at now: Now) async throws {
        let live = self.worker.policy.live
        let backlog = self.worker.store.backlog()
        desk.noteLanes(backlog, live.policy, at: now)
        let planner = QueuePlanner(
            live: live, paces: self.worker.paces, profiles: desk.profiles, loads: self.loads, skipped: desk.skippedLanes,
            curves: self.bundles.history.curves(for: now.wall, at: now.wall), now: now)
        if desk.needsPlan(for: backlog, at: now.monotonic) {
            planner.heedLiveWork()
            desk.adopt(planner.plan(backlog), at: now.monotonic)
            self.deferral.outlook.publish(desk.plan, for: live.policy)
            try await self.promoteEarly(desk.plan, at: now.wall)
        }
        for order in desk.orders(backlog, planner) where !Task.isShuttingDownGracefully {
            let jobs = try await self.worker.store.lease(order.lane, limit: order.jobs, at: now.wall)
            self.worker.start(jobs.map { self.lines.withCall($0) }, on: order.tiers.map { $0.map { live.policy.backends[$0].name } })
        }
        try await self.bundle(&desk, backlog, live, at: now)
    }

    /// Sends what has gathered for providers' batch lanes.
    private func bundle(_ desk: inout LeaseDesk, _ backlog: [LaneBacklog], _ live: LivePolicy, at now: Now) async throws {
        for order in desk.bundles(backlog, live, at: now) where !Task.isShuttingDownGracefully {
            let taken = try await self.bundles.gather(order, live.policy.backends[order.key.backend], token: desk.nextToken(at: now.wall))
            guard taken > 0 else { continue }
            desk.noteBundled(order)
        }
    }

    /// Where all that would be promoted at the time of the policy could no longer be in time, some goes before.
    private func promoteEarly(_ plan: QueuePlan, at now: Timestamp) async throws {
        for (place, count) in plan.duePromotions {
            _ = try await self.worker.store.promote(place.lane, bucket: place.bucket, limit: count, at: now)
        }
    }
}

/// The callbacks of the store as `async` functions. They are not cancelled with the task that awaits them.
extension JobStore {
    func release(at now: Timestamp) async throws -> ReleaseOutcome {
        try await withCheckedThrowingContinuation { waiting in self.release(at: now) { waiting.resume(with: $0) } }
    }

    func expire(at now: Timestamp) async throws -> (expired: [String], overdue: [String]) {
        try await withCheckedThrowingContinuation { waiting in self.expire(at: now) { waiting.resume(with: $0) } }
    }

    func lease(_ lane: Job.Lane, limit: Int, at now: Timestamp) async throws -> [LeasedJob] {
        try await withCheckedThrowingContinuation { waiting in self.lease(lane, limit: limit, at: now) { waiting.resume(with: $0) } }
    }

    func promote(_ lane: Job.Lane, bucket: Timestamp, limit: Int, at now: Timestamp) async throws -> Int {
        try await withCheckedThrowingContinuation { waiting in self.promote(lane, bucket: bucket, limit: limit, at: now) { waiting.resume(with: $0) } }
    }
}
