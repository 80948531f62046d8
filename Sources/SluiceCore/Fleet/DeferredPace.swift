/// What deferred calls to one backend have taught: how many it takes at once, and how quickly one of them gets through its tokens.
package struct DeferredPace: Sendable {
    private static let halfLife = 64.0

    package private(set) var concurrency: ConcurrencyLimit
    private let ceiling: Int?
    /// Tokens and seconds of slots, both decayed call by call.
    private var tokens = 0.0
    private var seconds = 0.0
    private var calls = 0.0
    package private(set) var inFlight = 0
    private var outage: Outage?

    package init(ceiling: Int?) {
        self.ceiling = ceiling
        self.concurrency = ConcurrencyLimit(ceiling: ceiling)
    }

    /// A time in which the backend has taken nothing.
    private struct Outage {
        /// When the first call was refused, and the last one so far.
        var first: MonotonicInstant
        var last: MonotonicInstant
        /// The last call did not even reach it.
        var isUnreachable: Bool
    }

    /// How a call came out, as far as its backend's capacity is concerned.
    package enum End: Sendable {
        case answered
        /// 429, 503, a time-out.
        case tooMuch
        /// Nobody was there.
        case unreachable
        /// Says nothing of it.
        case other
    }

    /// Starts over where the policy names another limit.
    package mutating func adopt(ceiling: Int?) {
        guard ceiling != self.ceiling else { return }
        let inFlight = self.inFlight
        self = DeferredPace(ceiling: ceiling)
        self.inFlight = inFlight
    }

    package mutating func begin() { self.inFlight += 1 }

    package mutating func end(_ end: End, tokens: Int, held: Duration, at now: MonotonicInstant) {
        switch end {
        case .answered:
            let decay = 1 - 1 / DeferredPace.halfLife
            self.tokens = self.tokens * decay + Double(max(1, tokens))
            self.seconds = self.seconds * decay + max(Double(held.nanoseconds) / 1e9, 1e-4)
            self.calls += 1
            self.outage = nil
            self.concurrency.succeed(tokens: Double(max(1, tokens)), inFlight: self.inFlight, at: now)
        case .tooMuch:
            self.noteOutage(isUnreachable: false, at: now)
            self.concurrency.throttle(call: held, at: now)
        case .unreachable: self.noteOutage(isUnreachable: true, at: now)
        case .other: break
        }
        self.inFlight = max(0, self.inFlight - 1)
    }

    private mutating func noteOutage(isUnreachable: Bool, at now: MonotonicInstant) {
        self.outage = Outage(first: self.outage?.first ?? now, last: now, isUnreachable: isUnreachable)
    }

    /// When a backend that has taken nothing of late may be expected to take something again; nil for one that has answered since.
    ///
    /// How long that will be nobody says, so it is thought to take as long again as it has taken so far: who has a day waits half of it for the
    /// cheap backend, who has a minute half a minute. Where nobody is there, it is eight times as long.
    ///
    /// | refused at | the last time so | expected back at |
    /// |---|---|---|
    /// | 0 s | 429 | 0 s |
    /// | 0 s, 10 s | 429 | 20 s |
    /// | 0 s, 10 s | not reached | 90 s |
    package var expectedBack: MonotonicInstant? {
        self.outage.map { $0.last + ($0.last - $0.first) * ($0.isUnreachable ? 8 : 1) }
    }

    package mutating func liveSuffers(at now: MonotonicInstant) { self.concurrency.yield(at: now) }

    /// Tokens a second in one slot; nil before a few calls have been seen.
    package var tokensPerSecond: Double? { self.calls >= 3 ? self.tokens / self.seconds : nil }
}
