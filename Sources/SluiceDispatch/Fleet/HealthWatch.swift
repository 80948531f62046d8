package import Logging
package import NIOCore
import SluiceCore

/// Asks backends for their health where the policy says how, and keeps traffic away from one that fails so often in a row.
///
/// It comes back with the first check that goes well. Where nobody else is left it is asked all the same, as one with an open breaker is.
/// Bound to its loop.
package final class HealthWatch {
    private static let longestWait = Duration.seconds(5)

    private struct Patient {
        var next: MonotonicInstant
        var failures = 0
        var isUnderWay = false
    }

    private let loop: any EventLoop
    private let policy: PolicyInForce
    private let transports: TransportSet
    private let clock: SluiceClock
    private let logger: Logger
    private var patients: [String: Patient] = [:]

    package init(loop: any EventLoop, policy: PolicyInForce, transports: TransportSet, clock: SluiceClock, logger: Logger) {
        self.loop = loop
        self.policy = policy
        self.transports = transports
        self.clock = clock
        self.logger = logger
    }

    /// Looks whose turn it is; to be called every half second or so.
    package func look() {
        let now = self.clock.now.monotonic
        let live = self.policy.live
        for (upstream, slot) in zip(live.upstreams, live.slots) {
            let name = upstream.backend.name
            guard let check = upstream.backend.health else {
                if self.patients.removeValue(forKey: name) != nil { slot.setSick(false) }
                continue
            }
            let patient = self.patients[name, default: Patient(next: now)]
            guard patient.next <= now, !patient.isUnderWay else { continue }
            self.patients[name] = Patient(next: now + check.every, failures: patient.failures, isUnderWay: true)
            self.ask(upstream, slot, check)
        }
    }

    private func ask(_ upstream: LivePolicy.Upstream, _ slot: BackendSlot, _ check: Backend.HealthCheck) {
        var call = UpstreamCall(
            url: upstream.url, path: check.path.hasPrefix("/") ? check.path : "/" + check.path, fields: upstream.fields, body: ByteBuffer())
        call.method = .get
        call.allowsPrivateAddresses = upstream.backend.isInternal
        let receiver = HealthReceiver { [self] failure in self.answered(failure, slot, check) }
        let bound = NIOLoopBound(receiver, eventLoop: self.loop)
        let wait = min(HealthWatch.longestWait, max(check.every, .milliseconds(100)))
        receiver.timer = self.loop.scheduleTask(in: .nanoseconds(wait.nanoseconds)) { bound.value.end("no answer in time") }
        receiver.handle = self.transports[upstream.kind].start(call, on: self.loop, receiver: receiver)
    }

    private func answered(_ failure: String?, _ slot: BackendSlot, _ check: Backend.HealthCheck) {
        guard var patient = self.patients[slot.name] else { return }
        patient.isUnderWay = false
        defer { self.patients[slot.name] = patient }
        guard let failure else {
            if patient.failures >= check.failAfter { self.logger.info("a backend is healthy again", metadata: ["backend.name": "\(slot.name)"]) }
            patient.failures = 0
            return slot.setSick(false)
        }
        patient.failures += 1
        guard patient.failures >= check.failAfter else { return }
        slot.setSick(true)
        guard patient.failures == check.failAfter else { return }
        self.logger.warning("a backend fails its health check", metadata: ["backend.name": "\(slot.name)", "reason": "\(failure)"])
    }
}

/// Hears whether a check went well; nobody reads what it says.
private final class HealthReceiver: UpstreamReceiver {
    private var then: ((String?) -> Void)?
    var handle: (any UpstreamCallHandle)?
    var timer: Scheduled<Void>?

    /// - Parameter then: Told why the check failed, once; nil where it went well.
    init(_ then: @escaping (String?) -> Void) {
        self.then = then
    }

    func end(_ failure: String?) {
        guard let then else { return }
        self.then = nil
        self.timer?.cancel()
        self.handle?.cancel()
        self.handle = nil
        then(failure)
    }

    func callSent() {}
    func callAnswered(_ head: UpstreamHead) { self.end((200..<300).contains(head.status) ? nil : "it answers \(head.status)") }
    func callReceived(_ bytes: ByteBuffer) {}
    func callPaused() {}
    func callEnded() { self.end("no answer") }
    func callFailed(_ failure: TransportFailure) { self.end(failure.kind == .local ? nil : failure.reason) }
}
