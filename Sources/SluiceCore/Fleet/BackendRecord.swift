/// All that is kept of one backend while the process lives: its breaker, its limits, its latency. A pure value; the fleet guards it.
package struct BackendRecord: Sendable {
    package enum Admission: Hashable, Sendable {
        case admitted
        /// No room; how long until there may be some, where that is known.
        case busy(Duration?)
        /// No slot, and whoever stands in line now gets one only after this.
        case full(Duration)
        case down(until: MonotonicInstant?)
    }

    /// How a call ended, as far as the backend's health is concerned.
    package enum Report: Sendable {
        case success
        /// A 5xx, a refused or lost connection, a time-out, a broken answer.
        case failure
        /// No connection within the connect time-out, which somebody has waited for: few of these are borne.
        case silence
        /// The client left, the request was at fault, or the trouble is ours.
        case nothing
    }

    private var limits: Backend.Limits
    private var breaker = CircuitBreaker()
    private var pressure = BackPressure()
    private var parkedUntil: MonotonicInstant?
    /// It fails its health check.
    package var isSick = false
    private var requests: RateWindow?
    private var tokens: RateWindow?
    private var firstToken = LatencySketch()
    private var slotTime = LatencySketch()
    private var outcomes = 0
    /// The share of failures among about the last twenty calls, in millionths; nil before the first has ended.
    package private(set) var errorShare: Int?
    package private(set) var inFlight = 0
    package private(set) var inFlightLater = 0
    package var waiting = 0

    package init(limits: Backend.Limits) {
        self.limits = limits
        self.requests = limits.requestsPerMinute.map { RateWindow(limit: $0) }
        self.tokens = limits.tokensPerMinute.map { RateWindow(limit: $0) }
    }

    /// Takes over new limits at a reload; what is in flight stays counted.
    package mutating func adopt(_ limits: Backend.Limits) {
        guard limits != self.limits else { return }
        if limits.requestsPerMinute != self.limits.requestsPerMinute { self.requests = limits.requestsPerMinute.map { RateWindow(limit: $0) } }
        if limits.tokensPerMinute != self.limits.tokensPerMinute { self.tokens = limits.tokensPerMinute.map { RateWindow(limit: $0) } }
        self.limits = limits
    }

    /// Asks for a slot, and takes it where there is one.
    ///
    /// - Parameters:
    ///   - tokens: The estimate that counts against `tokens_per_minute`.
    ///   - isLater: Deferred work leaves the live reserve alone.
    ///   - kept: How many slots a live request leaves to others.
    ///   - isLastResort: No other backend is left: an open breaker lets one call a second through.
    package mutating func admit(tokens: Int, isLater: Bool, kept: Int = 0, isLastResort: Bool, at now: MonotonicInstant) -> Admission {
        if let parked = self.parkedUntil {
            guard parked <= now else { return .down(until: parked) }
            self.parkedUntil = nil
        }
        if self.isSick, !isLastResort { return .down(until: nil) }
        if let until = self.breaker.opens(at: now), !(isLastResort && self.breaker.allowsLastResort(at: now)) { return .down(until: until) }
        if let limit = self.slots {
            let reserve = isLater ? self.reserve(of: limit) : kept
            guard self.inFlight < limit - reserve else { return .busy(nil) }
        }
        if let wait = self.requests?.wait(for: 1, at: now) { return .busy(wait) }
        if let wait = self.tokens?.wait(for: tokens, at: now) { return .busy(wait) }
        self.requests?.take(1, at: now)
        self.tokens?.take(tokens, at: now)
        self.breaker.pass(at: now)
        self.inFlight += 1
        if isLater { self.inFlightLater += 1 }
        return .admitted
    }

    /// Gives a slot back.
    ///
    /// - Parameters:
    ///   - held: For how long it was taken.
    ///   - tokensBeyond: By how much the call used more tokens than were taken for it; negative where it was less, 0 where that is not known.
    ///   - jitter: From 0 to 1; drawn only where it counts.
    package mutating func release(
        _ report: Report, isLater: Bool, held: Duration, tokensBeyond: Int = 0, jitter: @autoclosure () -> Double, at now: MonotonicInstant
    ) {
        self.tokens?.correct(by: tokensBeyond, takenAt: now - held, at: now)
        if case .success = report { self.pressure.succeed(inFlight: self.inFlight) }
        self.inFlight -= 1
        if isLater { self.inFlightLater -= 1 }
        switch report {
        case .success:
            self.note(failures: 0)
            self.breaker.succeed()
            self.slotTime.record(held, at: now)
        case .failure, .silence:
            self.note(failures: 1_000_000)
            let weight = if case .silence = report { CircuitBreaker.weightOfSilence } else { 1 }
            self.breaker.fail(weight: weight, at: now, jitter: jitter())
        case .nothing: self.breaker.forget(at: now)
        }
    }

    private mutating func note(failures share: Int) {
        self.outcomes = min(20, self.outcomes + 1)
        let before = self.errorShare ?? share
        self.errorShare = before + (share - before) / self.outcomes
    }

    /// The backend has had too much: 429, 503, 529, or nothing in time.
    package mutating func complain(at now: MonotonicInstant) {
        self.pressure.complain(inFlight: self.inFlight, call: self.slotTime.quantile(.half, at: now) ?? .seconds(1), at: now)
    }

    /// How long a request waits for a slot that has so many before it; nil while nobody knows how long a slot is held.
    package func expectedWait(ahead: Int, at now: MonotonicInstant) -> Duration? {
        guard let slots = self.slots, let held = self.slotTime.quantile(.half, at: now) else { return nil }
        return held * (ahead + 1) / max(1, slots)
    }

    /// What the policy allows, or less where the backend could not bear it.
    package var slots: Int? {
        guard let limit = self.pressure.limit else { return self.limits.concurrent }
        return self.limits.concurrent.map { min($0, limit) } ?? limit
    }

    package mutating func noteFirstToken(after duration: Duration, at now: MonotonicInstant) {
        self.firstToken.record(duration, at: now)
    }

    /// No call before `until`: the backend named the time, or refused our credentials.
    package mutating func park(until: MonotonicInstant) {
        self.parkedUntil = max(until, self.parkedUntil ?? until)
    }

    package func condition(isLater: Bool, at now: MonotonicInstant) -> BackendCondition {
        var condition = BackendCondition()
        if let parked = self.parkedUntil, parked > now {
            condition.availability = .down(until: parked)
        } else if let until = self.breaker.opens(at: now) {
            condition.availability = .down(until: until)
        } else if self.isSick {
            condition.availability = .down(until: nil)
        }
        condition.inFlight = self.inFlight
        condition.limit = self.slots.map { isLater ? max(1, $0 - self.reserve(of: $0)) : $0 }
        condition.waiting = self.waiting
        if isLater {
            condition.requestsLeft = self.requests?.left(at: now)
            condition.tokensLeft = self.tokens?.left(at: now)
        }
        condition.firstToken = self.firstToken.quantile(.nineOfTen, at: now)
        condition.firstTokenMedian = self.firstToken.quantile(.half, at: now)
        condition.firstTokenLong = self.firstToken.quantile(.nineteenOfTwenty, at: now)
        condition.slotTime = self.slotTime.quantile(.half, at: now)
        condition.slotTimeLong = self.slotTime.quantile(.nineteenOfTwenty, at: now)
        return condition
    }

    /// How long that share of calls takes at most: a stream to its first token, a whole answer to its end. nil while too little is known.
    package func usualTime(_ share: Double, isStream: Bool, at now: MonotonicInstant) -> Duration? {
        (isStream ? self.firstToken : self.slotTime).quantile(share, of: 20, at: now)
    }

    /// Whether a live request would be admitted now, but for slots: it is up, and its limits per minute let one more through.
    package mutating func isReady(tokens: Int, at now: MonotonicInstant) -> Bool {
        !self.isSick && (self.parkedUntil ?? now) <= now && self.breaker.opens(at: now) == nil
            && self.requests?.wait(for: 1, at: now) == nil && self.tokens?.wait(for: tokens, at: now) == nil
    }

    /// Whether a slot for live work is free; rate limits are another matter.
    ///
    /// - Parameter promised: Slots that are others'.
    package func hasSlot(besides promised: Int) -> Bool { self.slots.map { self.inFlight + promised < $0 } ?? true }

    package var breakerState: CircuitBreaker.State { self.breaker.state }

    private func reserve(of limit: Int) -> Int {
        guard let share = self.limits.liveReserve, limit > 1 else { return 0 }
        return min(limit - 1, max(1, Int(Int64(limit) * share.millionths / 1_000_000)))
    }
}
