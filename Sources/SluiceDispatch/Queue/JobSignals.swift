package import SluiceCore
import Synchronization

/// How a job ended, for a client that still holds its connection open.
package enum JobEnd: Sendable {
    case answered(JobResult)
    case expired, cancelled
}

/// Tells those who wait inside this process of the ends of jobs, and the scheduler of new ones. Nothing durable: after a restart nobody
/// waits on a connection any more, and the scheduler looks by itself.
package final class JobSignals: Sendable {
    private struct State {
        var waiters: [String: [UInt64: @Sendable (JobEnd) -> Void]] = [:]
        var serial: UInt64 = 0
        var nudge: (@Sendable () -> Void)?
        var nudgeIntake: (@Sendable () -> Void)?
        var nudgeDelivery: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    package init() {}

    /// Calls `then` when the job ends, from any thread, at most once. The token takes it back.
    package func wait(for job: String, then: @escaping @Sendable (JobEnd) -> Void) -> UInt64 {
        self.state.withLock { state in
            state.serial += 1
            state.waiters[job, default: [:]][state.serial] = then
            return state.serial
        }
    }

    /// - Returns: false where the end was told already.
    @discardableResult
    package func stopWaiting(for job: String, _ token: UInt64) -> Bool {
        self.state.withLock { state in
            guard state.waiters[job]?.removeValue(forKey: token) != nil else { return false }
            if state.waiters[job]?.isEmpty == true { state.waiters[job] = nil }
            return true
        }
    }

    package func announce(_ job: String, _ end: JobEnd) {
        let waiters = self.state.withLock { $0.waiters.removeValue(forKey: job) }
        for waiter in waiters?.values ?? [:].values { waiter(end) }
    }

    /// What ``nudge()`` calls: the scheduler's own way of waking up.
    package func onNudge(_ nudge: @escaping @Sendable () -> Void) {
        self.state.withLock { $0.nudge = nudge }
    }

    /// There may be something to do: a job came, a slot is free, a job was cancelled.
    package func nudge() {
        self.state.withLock { $0.nudge }?()
    }

    package func onNewBatch(_ nudge: @escaping @Sendable () -> Void) {
        self.state.withLock { $0.nudgeIntake = nudge }
    }

    /// A batch waits for its file to be checked.
    package func nudgeIntake() {
        self.state.withLock { $0.nudgeIntake }?()
    }

    package func onNewDelivery(_ nudge: @escaping @Sendable () -> Void) {
        self.state.withLock { $0.nudgeDelivery = nudge }
    }

    /// A webhook may wait to be sent.
    package func nudgeDelivery() {
        self.state.withLock { $0.nudgeDelivery }?()
    }
}

/// What the API needs of the deferred road: the stores and the signals around them.
package struct Deferral: Sendable {
    package let store: any JobStore
    package let batches: any BatchStore
    package let files: any FileStore
    package let answers: any AnswerStore
    package let webhooks: any WebhookStore
    package let verifications: any VerificationStore
    package let signals: JobSignals
    /// What is expected of the queue, for quotes.
    package let outlook = QueueOutlook()
    /// Drops the call of a running job that was cancelled.
    package let drop: @Sendable (String) -> Void
    /// Moves a job to the pool that it may be promoted to, also one that runs: its call is dropped then, where its class lets a call be made again.
    /// Tells, from any thread, whether the job is there.
    package let promote: @Sendable (String, @escaping @Sendable (Bool) -> Void) -> Void

    package init(
        store: any JobStore, batches: any BatchStore, files: any FileStore, answers: any AnswerStore, webhooks: any WebhookStore,
        verifications: any VerificationStore, signals: JobSignals, drop: @escaping @Sendable (String) -> Void,
        promote: @escaping @Sendable (String, @escaping @Sendable (Bool) -> Void) -> Void
    ) {
        self.store = store
        self.batches = batches
        self.files = files
        self.answers = answers
        self.webhooks = webhooks
        self.verifications = verifications
        self.signals = signals
        self.drop = drop
        self.promote = promote
    }
}
