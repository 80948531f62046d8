package import Logging
package import NIOCore
import SluiceCore

/// Starts and stops rented hardware at the edges of its window, by a POST to the URLs that the policy names.
///
/// At its own start it brings each node into the state that the hour wants, whatever happened while nobody watched. Bound to its loop.
package final class RentalSwitch {
    private static let pauseAfterFailure = Duration.seconds(10)

    private struct State {
        var isOpen: Bool
        /// nil once the call was answered.
        var retryAt: MonotonicInstant?
        var isUnderWay = false
    }

    private let loop: any EventLoop
    private let policy: PolicyInForce
    private let transports: TransportSet
    private let clock: SluiceClock
    private let logger: Logger
    private var states: [String: State] = [:]

    package init(loop: any EventLoop, policy: PolicyInForce, transports: TransportSet, clock: SluiceClock, logger: Logger) {
        self.loop = loop
        self.policy = policy
        self.transports = transports
        self.clock = clock
        self.logger = logger
    }

    /// Looks whether a window has opened or closed; to be called about every second.
    package func look() {
        let now = self.clock.now
        let policy = self.policy.live.policy
        for backend in policy.backends {
            guard let rented = backend.rented, let when = rented.when, rented.start != nil || rented.stop != nil else { continue }
            let isOpen = policy.calendar.isOpen(when, at: now.wall)
            if self.states[backend.name]?.isOpen != isOpen { self.states[backend.name] = State(isOpen: isOpen, retryAt: now.monotonic) }
            guard let state = self.states[backend.name], let retryAt = state.retryAt, retryAt <= now.monotonic, !state.isUnderWay else { continue }
            self.call(isOpen ? rented.start : rented.stop, for: backend, isOpen: isOpen)
        }
    }

    private func call(_ link: String?, for backend: Backend, isOpen: Bool) {
        guard let link else {
            self.states[backend.name]?.retryAt = nil
            return
        }
        let parts = link.split(separator: "?", maxSplits: 1)
        guard let base = parts.first, let url = BackendURL(String(base)) else { return }
        self.states[backend.name]?.isUnderWay = true
        let path = (url.path.isEmpty ? "/" : url.path) + (parts.count > 1 ? "?\(parts[1])" : "")
        let call = UpstreamCall(url: url, path: path, fields: ByteBuffer(string: "user-agent: sluice\r\n"), body: ByteBuffer())
        let receiver = RentalReceiver { [self] failure in self.answered(failure, for: backend.name, isOpen: isOpen) }
        receiver.handle = self.transports[url.isSecure ? .secure : .plain].start(call, on: self.loop, receiver: receiver)
    }

    private func answered(_ failure: String?, for name: String, isOpen: Bool) {
        let word = isOpen ? "start" : "stop"
        if let failure {
            self.logger.warning(
                "rented hardware could not be switched; it is tried again",
                metadata: ["backend.name": "\(name)", "rental.call": "\(word)", "reason": "\(failure)"])
        } else {
            self.logger.notice("rented hardware was switched", metadata: ["backend.name": "\(name)", "rental.call": "\(word)"])
        }
        guard self.states[name]?.isOpen == isOpen else { return }
        self.states[name]?.isUnderWay = false
        self.states[name]?.retryAt = failure == nil ? nil : self.clock.now.monotonic + RentalSwitch.pauseAfterFailure
    }
}

/// Waits for the head of the answer.
private final class RentalReceiver: UpstreamReceiver {
    private var then: ((String?) -> Void)?
    var handle: (any UpstreamCallHandle)?

    /// - Parameter then: Called once, with what went wrong if anything did.
    init(_ then: @escaping (String?) -> Void) {
        self.then = then
    }

    private func end(_ failure: String?) {
        guard let then else { return }
        self.then = nil
        self.handle?.cancel()
        self.handle = nil
        then(failure)
    }

    func callSent() {}
    func callAnswered(_ head: UpstreamHead) { self.end((200..<300).contains(head.status) ? nil : "it answered \(head.status)") }
    func callReceived(_ bytes: ByteBuffer) {}
    func callPaused() {}
    func callEnded() {}
    func callFailed(_ failure: TransportFailure) { self.end(failure.reason) }
}
