/// The decision for one request, with every step on the way: what `explain` shows, and what the tests in policies ask.
///
/// Made by the same classifier and planner as live decisions.
package struct Explanation: Sendable {
    package struct Tried: Sendable {
        package var route: RouteRule
        /// Why the route does not match; nil for the one that does.
        package var mismatch: RouteMatch.Mismatch?
    }

    /// Routes from the top to the one that matched.
    package let tried: [Tried]
    package let decision: Decision
    /// What a client that did not agree to wait is told; nil where the request is served or queued.
    package let refusal: Refusal?
    package let route: Route
    package let baselineCost: Money?

    /// - Parameters:
    ///   - now: The moment of the decision.
    ///   - prefix: A hash over so many tokens of the prompt's beginning; nil where only its size is known.
    ///   - condition: What is known of a backend, by its index.
    /// - Throws: What the client is refused with before any route counts.
    package init(
        _ request: InferenceRequest, tenant: Tenant, policy: PolicySet, at now: Now, prefix: (_ tokens: Int) -> UInt64? = { _ in nil },
        condition: (Int) -> BackendCondition = { _ in BackendCondition() }
    ) throws(Refusal) {
        self.tried = Explanation.routes(request, policy)
        let classifier = Classifier(policy: policy)
        do throws(Refusal) {
            self.decision = try classifier.classify(request, tenant: tenant, at: now.wall)
            self.refusal = nil
        } catch  where error.code == .mustBeAsync {
            // Route and class are worth knowing all the same.
            var patient = request
            patient.consent = .batch
            self.decision = try classifier.classify(patient, tenant: tenant, at: now.wall)
            self.refusal = error
        }
        let planner = RoutePlanner(policy: policy)
        let start = Now(wall: max(now.wall, self.decision.wait?.notBefore ?? now.wall), monotonic: now.monotonic)
        self.route = planner.plan(request, self.decision, at: start, chance: 0, prefix: prefix, condition: condition)
        self.baselineCost = Explanation.baseline(request, self.decision, policy, planner, at: now.wall)
    }

    private static func routes(_ request: InferenceRequest, _ policy: PolicySet) -> [Tried] {
        var tried: [Tried] = []
        for route in policy.routes {
            let mismatch = route.match.mismatch(request)
            tried.append(Tried(route: route, mismatch: mismatch))
            if mismatch == nil { break }
        }
        return tried
    }

    private static func baseline(
        _ request: InferenceRequest, _ decision: Decision, _ policy: PolicySet, _ planner: RoutePlanner, at now: Timestamp
    ) -> Money? {
        guard let baseline = policy.baseline else { return nil }
        let model = if case .fixed(let fixed) = baseline.model { fixed } else { decision.requested }
        guard let offer = policy.models[model].offers[baseline.backend] else { return nil }
        return planner.estimate(request, offer, at: policy.backends[baseline.backend], on: now)
    }
}
