package import NIOCore
package import SluiceCore
import SluiceWire

/// One deferred request as a line of a provider's batch: what is written down before it leaves, and the body that leaves.
package struct BundledCall {
    private let call: DispatchCall
    private let candidate: Route.Candidate
    private let meter: Meter

    /// - Parameter backend: The index of the lane's backend.
    /// - Throws: Why the line may not go there.
    package init(_ call: DispatchCall, to backend: Int) throws(Refusal) {
        guard !call.request.isStream else { throw .invalid("a streamed answer cannot come from a provider's batch") }
        let now = call.arrived
        let route = call.live.planner.plan(call.request, call.decision, at: now, chance: 0) { _ in BackendCondition() }
        guard let candidate = route.candidates.first(where: { $0.backend == backend }) else {
            let reason = route.passedOver.first { $0.backend == backend }.map { "\($0.reason)" } ?? "the policy has changed"
            throw Refusal(503, .noBackend, "the lane does not take it: \(reason)")
        }
        self.call = call
        self.candidate = candidate
        self.meter = Meter(policy: call.live.policy, request: call.request, decision: call.decision, at: now.wall)
    }

    package var intent: AttemptIntent {
        self.meter.intent(of: self.call.subject, attempt: self.call.earlierAttempts + 1, at: self.candidate, self.call.arrived.wall)
    }

    /// The client's bytes with the few edits that the provider needs, on one line.
    package var body: ByteBuffer {
        var body = self.call.upstreamCall(to: self.candidate).body
        body.withUnsafeMutableReadableBytes { bytes in
            // In JSON, line breaks stand between values only.
            for index in bytes.indices where bytes[index] == 0x0A || bytes[index] == 0x0D { bytes[index] = 0x20 }
        }
        return body
    }

    /// Client headers that go with a request of its own cannot go with a line.
    package var hasOwnHeaders: Bool { String(decoding: self.call.forwarded, as: UTF8.self).contains("anthropic-beta:") }
}

extension LivePolicy {
    /// What budgets hold for a line until it is settled.
    ///
    /// - Parameter isSure: It is out already: no budget is asked any more.
    /// - Throws: The budget that refuses it.
    package func reserve(_ intent: AttemptIntent, isSure: Bool, at now: Timestamp) throws(Refusal) -> BudgetBook.Reservation? {
        guard !self.policy.budgets.isEmpty, let subject = intent.entry.subject else { return nil }
        let spender = Spender(tenant: subject.tenant, key: subject.key, tags: subject.tags)
        if isSure { return self.budgets.hold(intent.entry.estimate, for: spender, at: now) }
        switch self.budgets.reserve(intent.entry.estimate, for: spender, at: now) {
        case .granted(let reservation): return reservation
        case .refused(let budget, _):
            throw Refusal(429, .budgetExceeded, "the budget `\(budget.name)` is used up", shouldRetry: false)
        }
    }

    package func settle(_ reservation: BudgetBook.Reservation, _ end: LedgerEntry.Settlement?, at now: Timestamp) {
        self.budgets.settle(reservation, as: end.map { $0.cost ?? $0.costHigh } ?? .zero, at: now)
    }
}
