import SluiceCore
import SluicePolicy

/// `sluice.explain/v1`: the decision for an imagined request, and the members of one of the past, which ``PastRequest`` writes.
struct ExplainReport: Codable {
    struct RouteTaken: Codable {
        var name: String
        // The ledger keeps the name alone.
        @OrNull var index: Int?
        @OrNull var file: String?
        @OrNull var line: Int?
    }

    struct Tried: Codable {
        var route: String
        var matched: Bool
        @OrNull var why: String?
    }

    struct Substituted: Codable {
        var from: String
        var to: String
        var why: String
    }

    struct Candidate: Codable {
        var pool: String
        var backend: String
        var chosen: Bool
        @OrNull var why_not: String?
        @OrNull var estimated_cost: String?
        @OrNull var estimated_first_token_ms: Int?
        /// Prompts that begin like this one go there while it has room.
        var prefix_home = false
    }

    struct BaselineCost: Codable {
        @OrNull var backend: String?
        @OrNull var model: String?
        @OrNull var cost: String?
    }

    struct Refused: Codable {
        var status: Int
        var code: String
        var message: String

        init(_ refusal: Refusal) {
            self.status = refusal.status
            self.code = refusal.code.rawValue
            self.message = refusal.message
        }
    }

    var schema = "sluice.explain/v1"
    /// Of a request of the past.
    var request_id: String?
    /// nil where the request is refused before any route counts; so are class and lane.
    @OrNull var route: RouteTaken?
    var tried: [Tried]
    var tenant: String
    @OrNull var `class`: String?
    @OrNull var serve: String?
    var model: String
    @OrNull var substituted: Substituted?
    @OrNull var not_before: String?
    @OrNull var deadline: String?
    @OrNull var promote_at: String?
    @OrNull var promote_to: String?
    /// What the client is told that is not served: one that did not agree to wait, or asks for what is not there.
    @OrNull var refused: Refused?
    var candidates: [Candidate]
    @OrNull var baseline: BaselineCost?
    var currency: String
    var policy: String
    /// Of an imagined request there are none.
    var attempts: [MoneyOutputs.Ledger] = []

    /// A request that is refused before any route counts.
    init(_ refusal: Refusal, _ request: InferenceRequest, _ policy: PolicySet) {
        self.tried = []
        self.tenant = request.tenant
        self.model = request.model
        self.refused = Refused(refusal)
        self.candidates = []
        self.currency = policy.currency
        self.policy = policy.revision
    }

    init(_ explanation: Explanation, _ request: InferenceRequest, _ policy: PolicySet) {
        let decision = explanation.decision
        let route = policy.routes[decision.route]
        self.route = RouteTaken(name: route.displayName, index: route.index, file: route.place.file, line: route.place.line)
        self.tried = explanation.tried.map { Tried(route: $0.route.displayName, matched: $0.mismatch == nil, why: $0.mismatch?.description) }
        self.tenant = request.tenant
        self.class = policy.classes[decision.trafficClass].name
        self.serve = policy.classes[decision.trafficClass].serve.rawValue
        self.model = policy.models[decision.model].name
        self.substituted = decision.substitutions.last.map {
            Substituted(from: policy.models[decision.requested].name, to: policy.models[decision.model].name, why: policy.substitutions[$0].why)
        }
        self.not_before = decision.wait?.notBefore.description
        self.deadline = decision.wait?.deadline?.description
        self.promote_at = decision.wait?.promoteAt?.description
        self.promote_to = decision.wait?.promoteTo.map { policy.pools[$0].name }
        self.refused = explanation.refusal.map(Refused.init)
        self.candidates = ExplainReport.candidates(explanation.route, policy)
        self.baseline = policy.baseline.map {
            let model = if case .fixed(let fixed) = $0.model { fixed } else { decision.requested }
            return BaselineCost(backend: policy.backends[$0.backend].name, model: policy.models[model].name, cost: explanation.baselineCost?.description)
        }
        self.currency = policy.currency
        self.policy = policy.revision
    }

    private static func candidates(_ route: Route, _ policy: PolicySet) -> [Candidate] {
        func candidate(_ pool: Int, _ backend: Int, _ cost: Money?, chosen: Bool, whyNot: String?, firstToken: Duration? = nil) -> Candidate {
            Candidate(
                pool: policy.pools[pool].name, backend: policy.backends[backend].name, chosen: chosen, why_not: whyNot, estimated_cost: cost?.description,
                estimated_first_token_ms: firstToken.map { Int($0.milliseconds) })
        }
        func whyNot(_ found: Route.Candidate) -> String {
            if found.isTooSlow { return "its first token would break the latency budget" }
            let behind = "stands behind \(policy.backends[route.candidates[0].backend].name)"
            guard let spill = route.spill, route.candidates[0].pool == spill.pool, found.pool != spill.pool else { return behind }
            return behind + " until \(policy.pools[spill.pool].name) has a wait of more than \(DurationText.format(spill.whenWait))"
        }
        return route.candidates.enumerated().map { index, found in
            var shown = candidate(
                found.pool, found.backend, found.estimatedCost, chosen: index == 0, whyNot: index == 0 ? nil : whyNot(found),
                firstToken: found.predictedFirstToken)
            shown.prefix_home = found.isHome
            return shown
        }
            + route.down.map { candidate($0.pool, $0.backend, $0.estimatedCost, chosen: false, whyNot: "down") }
            + route.passedOver.map { candidate($0.pool, $0.backend, $0.estimatedCost, chosen: false, whyNot: $0.reason.description) }
    }
}
