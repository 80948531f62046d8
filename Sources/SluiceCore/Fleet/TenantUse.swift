/// What a tenant uses of its limits. A pure value; the fleet guards it.
package struct TenantUse: Sendable {
    package enum Admission: Hashable, Sendable {
        case admitted
        case refused(what: String, wait: Duration)
    }

    private var limits: Backend.Limits
    private var requests: RateWindow?
    private var tokens: RateWindow?
    package private(set) var inFlight = 0

    package init(limits: Backend.Limits) {
        self.limits = limits
        self.requests = limits.requestsPerMinute.map { RateWindow(limit: $0) }
        self.tokens = limits.tokensPerMinute.map { RateWindow(limit: $0) }
    }

    /// Takes over new limits at a reload; what is in flight stays counted.
    package mutating func adopt(_ limits: Backend.Limits) {
        guard limits != self.limits else { return }
        let old = self
        self = TenantUse(limits: limits)
        self.inFlight = old.inFlight
        if limits.requestsPerMinute == old.limits.requestsPerMinute { self.requests = old.requests }
        if limits.tokensPerMinute == old.limits.tokensPerMinute { self.tokens = old.tokens }
    }

    /// Takes what one request needs, where all of it is there.
    ///
    /// - Parameters:
    ///   - tokens: The estimate that counts against `tokens_per_minute`.
    ///   - isLater: Deferred work leaves the live reserve alone.
    package mutating func admit(tokens: Int, isLater: Bool, at now: MonotonicInstant) -> Admission {
        if let limit = self.limits.concurrent, self.inFlight >= limit - (isLater ? self.limits.reserve : 0) {
            return .refused(what: "\(limit) requests at a time", wait: .seconds(1))
        }
        if let window = self.requests, let wait = self.requests?.wait(for: 1, at: now) {
            return .refused(what: "\(window.limit) requests per minute", wait: wait)
        }
        if let window = self.tokens, let wait = self.tokens?.wait(for: tokens, at: now) {
            return .refused(what: "\(window.limit) tokens per minute", wait: wait)
        }
        self.requests?.take(1, at: now)
        self.tokens?.take(tokens, at: now)
        self.inFlight += 1
        return .admitted
    }

    /// How the tenant stands with its limits per minute.
    package func quotas(at now: MonotonicInstant) -> [Quota] {
        [(Quota.Kind.requests, self.requests), (.tokens, self.tokens)].compactMap { kind, window in
            window.map { Quota(kind, limit: $0.limit, left: $0.left(at: now), reset: $0.reset(at: now)) }
        }
    }

    /// A request has ended.
    ///
    /// - Parameters:
    ///   - tokensBeyond: By how much it used more tokens than were taken for it; negative where it was less, 0 where that is not known.
    ///   - since: When it was admitted.
    package mutating func release(tokensBeyond: Int = 0, since: MonotonicInstant, at now: MonotonicInstant) {
        self.inFlight = max(0, self.inFlight - 1)
        self.tokens?.correct(by: tokensBeyond, takenAt: since, at: now)
    }
}

extension Backend.Limits {
    /// Of `concurrent`, what only live work may use.
    package var reserve: Int {
        guard let share = self.liveReserve, let limit = self.concurrent, limit > 1 else { return 0 }
        return min(limit - 1, max(1, Int(Int64(limit) * share.millionths / 1_000_000)))
    }
}
