import SluiceCore

/// What is asked before the first backend is.
extension DispatchRun {
    /// 0 for the most urgent class of the policy; a verification comes after all of them.
    var urgency: Int { self.call.isVerification ? self.call.live.urgencies.count : self.call.live.urgencies[self.call.decision.trafficClass] }

    /// What counts against limits of tokens per minute.
    var tokens: Int { self.call.request.inputTokens + (self.call.request.maxTokens ?? RoutePlanner.usualOutput) }

    /// Whether the process carries one more of this class, and the tenant's limits allow it; the client is refused where not.
    func takesPlace(at now: Now) -> Bool {
        if !self.dispatcher.admits(rank: self.urgency) {
            self.refuse(Refusal(429, .overloaded, "the server has more requests than it can carry", retryAfter: .seconds(2)))
            return false
        }
        // What Sluice asks by itself must not take its clients' place.
        guard !self.call.isVerification, !self.call.live.tenants.isEmpty, let slot = self.call.live.tenants[self.call.subject.tenant] else { return true }
        switch slot.admit(tokens: self.tokens, isLater: self.call.isLater, at: now.monotonic) {
        case .admitted:
            self.tenantSlot = slot
            self.tokenUse.since = now.monotonic
            self.quotaLines = slot.quotas(at: now.monotonic).headerLines
            return true
        case .refused(let what, let wait):
            var refusal = Refusal(429, .rateLimited, "the tenant `\(self.call.subject.tenant)` is at its limit of \(what)", retryAfter: wait)
            refusal.quotas = slot.quotas(at: now.monotonic)
            self.refuse(refusal)
            return false
        }
    }
}
