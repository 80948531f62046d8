package import Logging
import ServiceLifecycle
import SluiceCore
package import SluiceDispatch

/// Decides which waiting jobs run now: opens windows, promotes in time, ends what is overdue, and leases as many jobs as there is room
/// for, the most urgent lane first.
package struct BatchScheduler: Service {
    /// Without a nudge it looks this often.
    private static let tick = Duration.milliseconds(250)
    /// A backend without a `concurrent` limit gets no more deferred work at once than this.
    private static let usualRoom = 64
    private static let mostLeasedAtOnce = 128

    private let worker: DeferredWorker
    private let deferral: Deferral
    private let lines: LineReader
    private let logger: Logger

    package init(worker: DeferredWorker, deferral: Deferral, logger: Logger) {
        self.worker = worker
        self.deferral = deferral
        self.lines = LineReader(deferral.files)
        self.logger = logger
    }

    package func run() async throws {
        let (nudges, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.worker.signals.onNudge { continuation.yield() }
        await withDiscardingTaskGroup { group in
            group.addTask {
                while !Task.isShuttingDownGracefully, !Task.isCancelled {
                    continuation.yield()
                    try? await Task.sleep(for: BatchScheduler.tick)
                }
                continuation.finish()
            }
            for await _ in nudges.cancelOnGracefulShutdown() {
                do {
                    try await self.look()
                } catch {
                    self.logger.error("the queue could not be looked at", metadata: ["reason": "\((error as? StoreError)?.message ?? "\(error)")"])
                }
            }
        }
    }

    private func look() async throws {
        let now = self.worker.clock.now.wall
        var release = try await self.worker.store.release(at: now)
        while release.moved > 0, let next = release.next, next <= now { release = try await self.worker.store.release(at: now) }
        while try await self.sweepBatches(at: now) > 0 {}
        let due = try await self.worker.store.expire(at: now)
        for job in due.expired { self.worker.signals.announce(job, .expired) }
        self.worker.breakOff(due.overdue, .overdue)
        try await self.fill(at: now)
    }

    /// Goes on with what is too much for one transaction: cancelled, retried and erased batches.
    private func sweepBatches(at now: Timestamp) async throws -> Int {
        try await withCheckedThrowingContinuation { waiting in self.deferral.batches.sweepBatches(at: now) { waiting.resume(with: $0) } }
    }

    /// Leases what there is room for, most urgent lane first. Room is counted down over the lanes that share a backend.
    private func fill(at now: Timestamp) async throws {
        let live = self.worker.policy.live
        var room: [Int: Int] = [:]
        for backlog in self.ready() {
            guard let trafficClass = live.policy.trafficClass(named: backlog.lane.trafficClass), self.isOpen(trafficClass, backlog.lane, live, at: now)
            else { continue }
            let backends = self.backends(for: backlog.lane, in: trafficClass, live)
            for backend in backends where room[backend] == nil { room[backend] = self.room(at: backend, live) }
            let free = min(backends.reduce(0) { $0 + (room[$1] ?? 0) }, backlog.jobs, BatchScheduler.mostLeasedAtOnce)
            guard free > 0 else { continue }
            let jobs = try await self.worker.store.lease(backlog.lane, limit: free, at: now)
            self.worker.start(jobs.map { self.lines.withCall($0) })
            var taken = jobs.count
            for backend in backends where taken > 0 {
                let here = min(taken, room[backend] ?? 0)
                room[backend]? -= here
                taken -= here
            }
        }
    }

    /// Lanes with ready jobs, the most urgent first.
    private func ready() -> [(lane: Job.Lane, jobs: Int)] {
        self.worker.store.backlog().compactMap { backlog in
            let buckets = backlog.buckets.filter { $0.ready.jobs > 0 }
            return buckets.first.map { (backlog.lane, buckets.reduce(0) { $0 + $1.ready.jobs }, $0.at) }
        }.sorted { $0.2 < $1.2 }.map { ($0.0, $0.1) }
    }

    /// A promoted job no longer waits for the window.
    private func isOpen(_ trafficClass: TrafficClass, _ lane: Job.Lane, _ live: LivePolicy, at now: Timestamp) -> Bool {
        guard lane.rung == 0, let during = trafficClass.during else { return true }
        return live.policy.calendar.isOpen(during, at: now)
    }

    private func backends(for lane: Job.Lane, in trafficClass: TrafficClass, _ live: LivePolicy) -> [Int] {
        guard let model = live.policy.model(named: lane.sentModel) else { return [] }
        let pools = lane.rung == 0 ? trafficClass.pools : trafficClass.promote.map { [$0.pool] } ?? trafficClass.pools
        var seen: [Int] = []
        for pool in pools {
            for backend in live.policy.pools[pool].backends
            where !seen.contains(backend) && model.offers[backend] != nil && live.policy.backends[backend].endpoints.contains(lane.endpoint) {
                seen.append(backend)
            }
        }
        return seen
    }

    private func room(at backend: Int, _ live: LivePolicy) -> Int {
        let now = self.worker.clock.now
        let condition = live.slots[backend].condition(isLater: true, at: now.monotonic)
        if case .down(let until) = condition.availability, until.map({ $0 > now.monotonic }) ?? true { return 0 }
        if let closed = live.policy.backends[backend].closed, live.policy.calendar.isOpen(closed, at: now.wall) { return 0 }
        guard condition.waiting == 0 else { return 0 }
        return max(0, (condition.limit ?? BatchScheduler.usualRoom) - condition.inFlight)
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
}
