/// Orders the backends that may serve a request. Pure: what it knows of the fleet it asks `condition` for.
package struct RoutePlanner: Sendable {
    /// Tokens that an answer is expected to have where the client names no limit.
    package static let usualOutput = 256

    /// How long a node of one's own is expected to work on a request before it has shown.
    package static let usualWork = Duration.seconds(2)

    private let policy: PolicySet

    package init(policy: PolicySet) {
        self.policy = policy
    }

    /// - Parameters:
    ///   - pools: The pools to plan over; the class's own ones unless the job was promoted.
    ///   - isCall: The request goes out as a call of its own, so never to a provider's batch.
    ///   - chance: From 0 to 1, what `pick: weighted` draws with.
    ///   - prefix: A hash over so many tokens of the prompt's beginning, for pools with affinity; nil where nobody knows it.
    ///   - condition: What is known of a backend, by its index.
    package func plan(
        _ request: InferenceRequest, _ decision: Decision, pools: [Int]? = nil, isCall: Bool = false, at now: Now, chance: @autoclosure () -> Double,
        prefix: (_ tokens: Int) -> UInt64? = { _ in nil }, condition: (Int) -> BackendCondition
    ) -> Route {
        let isLater = self.policy.classes[decision.trafficClass].serve == .later
        var route = Route()
        for index in pools ?? self.policy.classes[decision.trafficClass].pools {
            let pool = self.policy.pools[index]
            var members: [(candidate: Route.Candidate, condition: BackendCondition)] = []
            for backend in pool.backends where !route.holds(backend) {
                let state = condition(backend)
                switch self.judge(backend, in: pool, request, decision, state, isCall: isCall, at: now) {
                case .success(let candidate):
                    if case .down = state.availability {
                        route.down.append(candidate)
                    } else if pool.backends.count == 1 {
                        route.candidates.append(candidate)
                    } else {
                        members.append((candidate, state))
                    }
                case .failure(let passed): route.passedOver.append(passed.passedOver)
                }
            }
            if !members.isEmpty { route.candidates += self.order(members, by: isLater ? .cheapest : pool.pick, in: pool, prefix, chance: chance) }
        }
        // Deferred work knows no order of pools: the cheapest first, the order of `use:` breaks ties.
        if isLater, route.candidates.count > 1 { route.candidates = RoutePlanner.cheapestFirst(route.candidates) }
        if !isLater { self.preferFast(&route, within: decision.budget.firstToken) }
        if let spill = self.policy.classes[decision.trafficClass].spill, pools == nil { self.leaveFirstPool(&route, decision, spill, condition) }
        return route
    }

    private struct Passed: Error {
        let passedOver: Route.PassedOver
    }

    private func judge(
        _ index: Int, in pool: Pool, _ request: InferenceRequest, _ decision: Decision, _ state: BackendCondition, isCall: Bool, at now: Now
    ) -> Result<Route.Candidate, Passed> {
        // Looked at in place: a copy of a backend costs more than all that is asked here.
        let backends = self.policy.backends
        func passed(_ reason: Route.Reason, _ cost: Money? = nil) -> Result<Route.Candidate, Passed> {
            .failure(Passed(passedOver: Route.PassedOver(pool: pool.index, backend: index, reason: reason, estimatedCost: cost)))
        }
        guard let offer = self.policy.models[decision.model].offers[index] else { return passed(.model(self.policy.models[decision.model].name)) }
        guard backends[index].endpoints.contains(request.endpoint) else { return passed(.endpoint(request.endpoint)) }
        if backends[index].api.isBatchLane, isCall || !self.mayWait(request, decision) { return passed(.batchLane) }
        if decision.substitutions.contains(where: { !self.policy.substitutions[$0].accepts(offer) }) { return passed(.tooCoarse) }
        if let context = offer.context, request.inputTokens > context { return passed(.contextTooShort(context)) }
        if let closed = backends[index].closed, self.policy.calendar.isOpen(closed, at: now.wall) { return passed(.closed(closed)) }
        if let when = backends[index].rented?.when, !self.policy.calendar.isOpen(when, at: now.wall) { return passed(.closed(.not(when))) }
        let card = self.policy.card(ofModel: decision.model, at: index, on: now.wall)
        let cost = self.estimate(request, by: card, at: index, on: now.wall, work: state.slotTime)
        if cost == nil, self.policy.rejectsUnpriced { return passed(.unpriced) }
        if let limit = decision.maxCost, let cost, cost > limit { return passed(.tooDear(limit), cost) }
        return .success(
            Route.Candidate(
                pool: pool.index, backend: index, offer: offer, estimatedCost: cost, predictedFirstToken: state.predictedFirstToken))
    }

    /// Whether the request may go out as a line of a provider's batch.
    private func mayWait(_ request: InferenceRequest, _ decision: Decision) -> Bool {
        if case .hold? = decision.wait?.answer { return false }
        return self.policy.classes[decision.trafficClass].serve == .later && !request.isStream && request.endpoint != .countTokens
    }

    /// What the request will cost by its estimated tokens; nil where the model has no price there.
    ///
    /// - Parameter work: How long such a request keeps a node of one's own busy.
    package func estimate(
        _ request: InferenceRequest, _ offer: Model.Offer, at backend: Backend, on instant: Timestamp, work: Duration? = nil
    ) -> Money? {
        self.estimate(request, by: self.policy.card(for: offer.name, at: backend, on: instant).map(SharedCard.init), at: backend.index, on: instant, work: work)
    }

    private func estimate(_ request: InferenceRequest, by card: SharedCard?, at backend: Int, on instant: Timestamp, work: Duration?) -> Money? {
        guard request.endpoint != .countTokens else { return .zero }
        let output = min(request.maxTokens ?? RoutePlanner.usualOutput, RoutePlanner.usualOutput * 4) * request.choices
        let usage = TokenUsage(input: request.inputTokens, output: request.endpoint == .embeddings ? 0 : output)
        if let hardware = self.policy.hardware[backend] {
            // The node is paid either way, so what counts for choosing is the share of one request among those that it usually holds.
            let beside = max(1, (self.policy.backends[backend].limits.concurrent ?? 8) / 2)
            return hardware.estimate(usage, work: (work ?? RoutePlanner.usualWork) / beside, at: instant)
        }
        guard let card else { return nil }
        return card.price(usage, tier: self.policy.backends[backend].api.billedTier, window: self.policy.windowFactor(of: card, at: instant))?.cost
    }

    private func order(
        _ members: [(candidate: Route.Candidate, condition: BackendCondition)], by pick: Pool.Pick, in pool: Pool,
        _ prefix: (Int) -> UInt64?, chance: () -> Double
    ) -> [Route.Candidate] {
        guard members.count > 1 else { return members.map(\.candidate) }
        var ordered: [(candidate: Route.Candidate, condition: BackendCondition)]
        switch pick {
        case .inOrder: ordered = members
        case .leastBusy: ordered = members.sorted { $0.condition.load < $1.condition.load }
        case .fastest:
            ordered = members.sorted { ($0.candidate.predictedFirstToken ?? .zero) < ($1.candidate.predictedFirstToken ?? .zero) }
        case .cheapest: ordered = members.sorted { RoutePlanner.isCheaper($0.candidate, $1.candidate) }
        case .weighted: ordered = self.weighted(members, in: pool, chance: chance())
        }
        if let affinity = pool.affinity, let prefix = prefix(affinity.tokens) { self.putHomeFirst(&ordered, prefix, affinity) }
        return ordered.map(\.candidate)
    }

    /// One draw decides the first; the others follow by weight.
    private func weighted(
        _ members: [(candidate: Route.Candidate, condition: BackendCondition)], in pool: Pool, chance: Double
    ) -> [(candidate: Route.Candidate, condition: BackendCondition)] {
        func weight(_ backend: Int) -> Int {
            pool.backends.firstIndex(of: backend).flatMap { $0 < pool.weights.count ? pool.weights[$0] : nil } ?? 1
        }
        var rest = members.sorted { weight($0.candidate.backend) > weight($1.candidate.backend) }
        let total = rest.reduce(0) { $0 + weight($1.candidate.backend) }
        var drawn = Int(chance * Double(total))
        for (index, member) in rest.enumerated() {
            drawn -= weight(member.candidate.backend)
            guard drawn < 0 else { continue }
            rest.remove(at: index)
            return [member] + rest
        }
        return rest
    }

    /// The same prefix goes to the same backend (rendezvous hashing), unless that is full or would then hold more than `spill` × the mean load; then to
    /// its next one. The mean counts this request as well (bounded loads: Mirrokni, Thorup and Zadimoghaddam 2016), so that one of them can always take it.
    private func putHomeFirst(
        _ members: inout [(candidate: Route.Candidate, condition: BackendCondition)], _ prefix: UInt64, _ affinity: Pool.Affinity
    ) {
        let load = members.reduce(1) { $0 + $1.condition.inFlight }
        let most = (Double(load) / Double(members.count) * Double(affinity.spill.millionths) / 1_000_000).rounded(.up)
        var home: (index: Int, score: UInt64)?
        for (index, member) in members.enumerated() where Double(member.condition.inFlight) < most && member.condition.hasRoom {
            let score = self.score(prefix, at: member.candidate.backend)
            if score >= home?.score ?? 0 { home = (index, score) }
        }
        guard let home else { return }
        var first = members.remove(at: home.index)
        first.candidate.isHome = true
        members.insert(first, at: 0)
    }

    private func score(_ prefix: UInt64, at backend: Int) -> UInt64 {
        var hash = prefix ^ (self.policy.homes[backend] &* 0x9E37_79B9_7F4A_7C15)
        hash = (hash ^ (hash >> 30)) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ (hash >> 27)) &* 0x94D0_49BB_1331_11EB
        return hash ^ (hash >> 31)
    }

    /// Candidates that are expected to break the budget come after those that keep it.
    private func preferFast(_ route: inout Route, within budget: Duration?) {
        guard let budget else { return }
        var isAnySlow = false
        for index in route.candidates.indices {
            guard let predicted = route.candidates[index].predictedFirstToken, predicted > budget else { continue }
            route.candidates[index].isTooSlow = true
            isAnySlow = true
        }
        guard isAnySlow else { return }
        route.candidates = route.candidates.filter { !$0.isTooSlow } + route.candidates.filter(\.isTooSlow)
    }

    /// Puts the first pool behind the others while a request would wait there for longer than `spill` says.
    private func leaveFirstPool(_ route: inout Route, _ decision: Decision, _ spill: TrafficClass.Spill, _ condition: (Int) -> BackendCondition) {
        guard let first = self.policy.classes[decision.trafficClass].pools.first else { return }
        route.spill = Route.Spill(pool: first, whenWait: spill.whenWait)
        let wait = route.candidates.filter { $0.pool == first }.map { condition($0.backend).predictedWait }.min()
        guard let wait, wait > spill.whenWait else { return }
        route.candidates = route.candidates.filter { $0.pool != first } + route.candidates.filter { $0.pool == first }
    }

    private static func isCheaper(_ a: Route.Candidate, _ b: Route.Candidate) -> Bool {
        // A backend without a price is dearer than any with one.
        (a.estimatedCost?.pico ?? .max) < (b.estimatedCost?.pico ?? .max)
    }

    /// A stable sort, so that ties keep the order of `use:`.
    private static func cheapestFirst(_ candidates: [Route.Candidate]) -> [Route.Candidate] {
        candidates.enumerated()
            .sorted { self.isCheaper($0.element, $1.element) || (!self.isCheaper($1.element, $0.element) && $0.offset < $1.offset) }
            .map(\.element)
    }
}
