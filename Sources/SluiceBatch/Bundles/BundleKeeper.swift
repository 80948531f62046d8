package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
package import SluiceCore
package import SluiceDispatch
import Synchronization

/// Takes bundles to providers and brings back what came of them; goes on with those that an earlier process has left.
package final class BundleKeeper: Service {
    private struct Line: Hashable {
        var bundle: Int64
        var job: Int64
    }

    let store: any BundleStore
    let worker: DeferredWorker
    let calls: ProviderCalls
    let files: LineReader
    let history = LaneHistory()
    let logger: Logger
    private let reservations = Mutex<[Line: BudgetBook.Reservation]>([:])
    private let gathered: AsyncStream<GatheredBundle>
    private let door: AsyncStream<GatheredBundle>.Continuation

    package init(store: any BundleStore, worker: DeferredWorker, transports: TransportSet, files: any FileStore, logger: Logger) {
        self.store = store
        self.worker = worker
        self.calls = ProviderCalls(loop: worker.loop, transports: transports, clock: worker.clock)
        self.files = LineReader(files)
        self.logger = logger
        (self.gathered, self.door) = AsyncStream.makeStream()
    }

    package func run() async throws {
        let left = try await self.read { store throws(StoreError) in try store.openBundles() }
        self.history.add(try await self.read { store throws(StoreError) in try store.laneTimes() })
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for bundle in left {
                    group.addTask {
                        await self.holdBudgets(of: bundle)
                        var run = BundleRun(bundle, keeper: self, recoveredAt: self.worker.clock.now.wall)
                        await run.run()
                    }
                }
                for await gathered in self.gathered {
                    group.addTask { await self.build(gathered) }
                }
            }
        }
    }

    /// Takes the jobs of an order, to be sent together.
    func gather(_ order: LaneDesk.Order, _ backend: Backend, token: String) async throws -> Int {
        let now = self.worker.clock.now.wall
        let draft = Bundle(token: token, backend: backend.name, model: order.key.model, endpoint: order.key.endpoint, created: now)
        let gathered = try await self.stored { self.store.gather(order.lanes, into: draft, quota: backend.limits.enqueuedTokens, at: now, then: $0) }
        self.worker.start(gathered.overCost.map { self.files.withCall($0) }, on: [])
        self.door.yield(gathered)
        return gathered.jobs.count
    }

    /// Writes down what is to be sent, and sends it.
    private func build(_ gathered: GatheredBundle) async {
        let (live, now) = (self.worker.policy.live, self.worker.clock.now)
        guard let bundle = gathered.bundle else { return }
        var draft = BundleDraft(bundle, live: live, at: now)
        if let backend = live.policy.backend(named: bundle.backend), let dialect = live.upstreams[backend.index].batches {
            for leased in gathered.jobs { draft.add(self.files.withCall(leased), to: backend) }
            for line in draft.lines { if let reservation = line.reservation { self.keep(reservation, of: line.job, in: bundle.id) } }
            let made = draft
            guard let present = await self.submit(made), !present.isEmpty else { return }
            var run = BundleRun(bundle, keeper: self, requests: made.requests(of: present, dialect))
            await run.run()
        } else {
            let returned = gathered.jobs.map { (job: $0.lease.job, how: LineReturn("the lane is no longer part of the policy", isOffLanes: true)) }
            _ = try? await self.stored { self.store.submit(bundle, intents: [], returned: returned, at: now.wall, then: $0) }
        }
    }

    /// nil where it could not be written: then it is given back at the next start, or as soon as there is room.
    private func submit(_ draft: BundleDraft) async -> Set<Int64>? {
        let intents = draft.lines.map { (job: $0.job, intent: $0.intent) }
        let now = self.worker.clock.now.wall
        do {
            let present = try await self.stored { self.store.submit(draft.bundle, intents: intents, returned: draft.returned, at: now, then: $0) }
            for line in draft.lines where !present.contains(line.job) { self.settle(line.job, in: draft.bundle.id, nil) }
            if !draft.returned.isEmpty { self.worker.signals.nudge() }
            return present
        } catch {
            self.logger.error("a bundle could not be written down", metadata: ["reason": "\((error as? StoreError)?.message ?? "\(error)")"])
            let returned = (intents.map(\.job) + draft.returned.map(\.job)).map { (job: $0, how: LineReturn("the store was full", isOffLanes: false)) }
            for line in draft.lines { self.settle(line.job, in: draft.bundle.id, nil) }
            while !Task.isCancelled {
                if (try? await self.stored { self.store.submit(draft.bundle, intents: [], returned: returned, at: now, then: $0) }) != nil { return nil }
                try? await Task.sleep(for: .seconds(1))
            }
            return nil
        }
    }

    // MARK: Budgets

    private func keep(_ reservation: BudgetBook.Reservation, of job: Int64, in bundle: Int64) {
        self.reservations.withLock { $0[Line(bundle: bundle, job: job)] = reservation }
    }

    /// What lines of an earlier process will cost counts as reserved.
    private func holdBudgets(of bundle: Bundle) async {
        let (live, now) = (self.worker.policy.live, self.worker.clock.now.wall)
        guard !live.policy.budgets.isEmpty, let lines = try? await self.read({ store throws(StoreError) in try store.lines(of: bundle.id) }) else { return }
        for line in lines {
            guard let held = try? live.reserve(line.intent, isSure: true, at: now) else { continue }
            self.keep(held, of: line.job, in: bundle.id)
        }
    }

    /// - Parameter end: nil where the attempt was not made.
    func settle(_ job: Int64, in bundle: Int64, _ end: LedgerEntry.Settlement?) {
        guard let reservation = self.reservations.withLock({ $0.removeValue(forKey: Line(bundle: bundle, job: job)) }) else { return }
        self.worker.policy.live.settle(reservation, end, at: self.worker.clock.now.wall)
    }

    // MARK: The store

    func stored<Value: Sendable>(_ body: (@escaping @Sendable (Result<Value, StoreError>) -> Void) -> Void) async throws -> Value {
        try await withCheckedThrowingContinuation { waiting in body { waiting.resume(with: $0) } }
    }

    func read<Value: Sendable>(_ body: @escaping @Sendable (any BundleStore) throws(StoreError) -> Value) async throws -> Value {
        let store = self.store
        return try await NIOThreadPool.singleton.runIfActive { try body(store) }
    }
}
