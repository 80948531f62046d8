/// Keeps traffic away from a backend that fails.
///
/// Five failures in a row open it, or three calls for which nobody was at home; after a pause of 1 s, doubled at each failing probe up to a minute, one call probes. What the
/// backend answered with a 4xx, what the client broke off and what failed for reasons of our own is no failure.
package struct CircuitBreaker: Sendable {
    package enum State: Sendable {
        /// Traffic flows.
        case closed(failures: Int)
        case open(until: MonotonicInstant, pause: Duration, lastTry: MonotonicInstant)
        /// One probe is under way; another may start if it was lost.
        case halfOpen(since: MonotonicInstant, pause: Duration)
    }

    package static let threshold = 5
    /// As many failures as that counts a connect time-out.
    package static let weightOfSilence = 2
    package static let longestPause = Duration.seconds(60)

    package private(set) var state = State.closed(failures: 0)

    package init() {}

    package var isOpen: Bool {
        if case .closed = self.state { false } else { true }
    }

    /// When the next call may pass; nil where one may pass now.
    package func opens(at now: MonotonicInstant) -> MonotonicInstant? {
        switch self.state {
        case .closed: nil
        case .open(let until, _, _): until > now ? until : nil
        case .halfOpen(let since, let pause):
            // A probe whose end was never reported must not close the door for good.
            since + max(pause, .seconds(30)) > now ? since + max(pause, .seconds(30)) : nil
        }
    }

    /// Whether a call may pass although the breaker is open, since no other backend is left: at most one a second.
    package func allowsLastResort(at now: MonotonicInstant) -> Bool {
        switch self.state {
        case .closed: true
        case .open(_, _, let lastTry): lastTry + .seconds(1) <= now
        case .halfOpen(let since, _): since + .seconds(1) <= now
        }
    }

    /// Notes that a call passes; through an open breaker it is the probe, and the next one counts from it.
    package mutating func pass(at now: MonotonicInstant) {
        switch self.state {
        case .closed: break
        case .open(_, let pause, _), .halfOpen(_, let pause): self.state = .halfOpen(since: now, pause: pause)
        }
    }

    package mutating func succeed() {
        self.state = .closed(failures: 0)
    }

    /// - Parameters:
    ///   - weight: As how many failures this one counts.
    ///   - jitter: From 0 to 1; spreads the probes of many processes over a fifth of the pause.
    package mutating func fail(weight: Int = 1, at now: MonotonicInstant, jitter: Double) {
        switch self.state {
        case .closed(let failures):
            guard failures + weight >= CircuitBreaker.threshold else {
                self.state = .closed(failures: failures + weight)
                return
            }
            self.open(for: .seconds(1), at: now, jitter: jitter)
        case .halfOpen(_, let pause):
            self.open(for: min(pause * 2, CircuitBreaker.longestPause), at: now, jitter: jitter)
        case .open(let until, let pause, _):
            // A straggler that started before the breaker opened.
            self.state = .open(until: until, pause: pause, lastTry: now)
        }
    }

    /// The probe ended without telling anything of the backend: the client left, or the failure was ours.
    package mutating func forget(at now: MonotonicInstant) {
        if case .halfOpen(_, let pause) = self.state { self.state = .open(until: now, pause: pause, lastTry: now) }
    }

    private mutating func open(for pause: Duration, at now: MonotonicInstant, jitter: Double) {
        let spread = Duration.nanoseconds(Int64(Double(pause.nanoseconds) * 0.2 * jitter))
        self.state = .open(until: now + pause + spread, pause: pause, lastTry: now)
    }
}
