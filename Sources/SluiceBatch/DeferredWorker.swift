package import Logging
import NIOCore
package import SluiceCore
package import SluiceDispatch
import Synchronization

/// Runs leased jobs on an event loop of its own, through the same dispatcher as live traffic: a burst of deferred work cannot disturb a
/// live stream.
package final class DeferredWorker: Sendable {
    private static let pauseOnFullDisk = TimeAmount.seconds(1)

    let loop: any EventLoop
    let store: any JobStore
    let signals: JobSignals
    let policy: PolicyInForce
    let clock: SluiceClock
    let paces = DeferredPaces()
    private let boundDispatcher: NIOLoopBound<Dispatcher>
    private let boundRuns: NIOLoopBoundBox<[String: DeferredRun]>
    private let count = Atomic(0)
    private let isStopping = Atomic(false)
    private let logger: Logger

    /// To be made on `loop`.
    package init(
        dispatcher: Dispatcher, store: any JobStore, signals: JobSignals, policy: PolicyInForce, clock: SluiceClock,
        logger: Logger
    ) {
        self.loop = dispatcher.loop
        self.store = store
        self.signals = signals
        self.policy = policy
        self.clock = clock
        self.boundDispatcher = NIOLoopBound(dispatcher, eventLoop: dispatcher.loop)
        self.boundRuns = NIOLoopBoundBox([:], eventLoop: dispatcher.loop)
        self.logger = logger
    }

    var dispatcher: Dispatcher { self.boundDispatcher.value }

    /// Jobs that are with this worker.
    package var running: Int { self.count.load(ordering: .relaxed) }

    /// - Parameter tiers: Names of backends in the order in which they are to be tried, those of one price together; no others are.
    func start(_ jobs: [LeasedJob], on tiers: [[String]]) {
        self.count.add(jobs.count, ordering: .relaxed)
        self.loop.execute {
            for leased in jobs {
                let run = DeferredRun(leased, on: tiers, worker: self)
                self.boundRuns.value[leased.job.id] = run
                run.start()
            }
        }
    }

    /// Drops the calls of jobs that were cancelled or are overdue.
    func breakOff(_ jobs: [String], _ reason: DeferredRun.BreakOff) {
        guard !jobs.isEmpty else { return }
        self.loop.execute {
            for job in jobs { self.boundRuns.value[job]?.breakOff(reason) }
        }
    }

    /// Drops the call of a job that was cancelled.
    package func drop(_ job: String) { self.breakOff([job], .cancelled) }

    /// Moves a job to the pool that it may be promoted to, also one that runs: its call is dropped then, where its class lets a call be made again.
    ///
    /// - Parameter then: Called from any thread with whether the job is there.
    package func promote(_ job: String, then: @escaping @Sendable (Bool) -> Void) {
        self.promoteWaiting(job) { isThere in
            if isThere { return then(true) }
            self.loop.execute {
                self.boundRuns.value[job]?.breakOff(.promoted)
                // The store hears of it after it has heard of the end of that run.
                self.promoteWaiting(job, then: then)
            }
        }
    }

    private func promoteWaiting(_ job: String, then: @escaping @Sendable (Bool) -> Void) {
        self.store.promote(job, at: self.clock.now.wall) { result in
            let isThere = (try? result.get()) ?? false
            if isThere { self.signals.nudge() }
            then(isThere)
        }
    }

    /// Hands all leases back: the process stops.
    package func stop() {
        self.isStopping.store(true, ordering: .relaxed)
        self.loop.execute {
            for run in self.boundRuns.value.values { run.breakOff(.stopping) }
        }
    }

    /// Writes what a run left behind; on a full disk again and again until there is room.
    func keep(_ end: RunEnd) {
        end.write(to: self.store) { outcome in
            switch outcome {
            case .success(let held):
                if held, let event = end.event { self.signals.announce(end.job, event) }
            case .failure(let error) where error.code == .full && !self.isStopping.load(ordering: .relaxed):
                self.loop.scheduleTask(in: DeferredWorker.pauseOnFullDisk) { self.keep(end) }
                return
            case .failure(let error):
                // Its lease stays: the next start books its calls as in doubt and runs it again.
                self.logger.error("the end of a job could not be stored", metadata: ["job.id": "\(end.job)", "reason": "\(error.message)"])
            }
            self.forget(end.job)
        }
    }

    private func forget(_ job: String) {
        self.loop.execute {
            self.boundRuns.value[job] = nil
            self.count.subtract(1, ordering: .relaxed)
            self.signals.nudge()
            self.signals.nudgeDelivery()
        }
    }
}
