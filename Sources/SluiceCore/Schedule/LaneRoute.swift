/// One backend that a lane's jobs may run on, and what a token costs there, step by step.
package struct LaneRoute: Sendable {
    /// The price of what has none: dearer than everything.
    package static let unpriced = Int64.max / 8

    /// The index of the backend in the policy.
    package var backend: Int
    /// Picodollars for a thousand tokens, by step; nil where the lane may not run there then.
    package var prices: [Int64?]
    /// Jobs come here only by being promoted.
    package var isPromotion = false

    package init(backend: Int, prices: [Int64?], isPromotion: Bool = false) {
        self.backend = backend
        self.prices = prices
        self.isPromotion = isPromotion
    }
}

/// Finds the routes of lanes by a policy.
package struct LaneRouting: Sendable {
    /// The share of a job's tokens that its prompt has, where no better is known.
    private static let promptShare = 0.75

    private let policy: PolicySet
    private let horizon: PlanHorizon
    private let longCalls: [Int: Duration]

    /// - Parameter longCalls: What nineteen of twenty calls stay within, by backend: where the price at a call's end counts, it is that of so much later.
    package init(_ policy: PolicySet, over horizon: PlanHorizon, longCalls: [Int: Duration] = [:]) {
        self.policy = policy
        self.horizon = horizon
        self.longCalls = longCalls
    }

    /// Where jobs of the lane may run: the backends of its class's pools, or of the pool it was promoted to, then those it may still be promoted to.
    package func routes(of lane: Job.Lane) -> [LaneRoute] {
        guard let trafficClass = self.policy.trafficClass(named: lane.trafficClass), let model = self.policy.model(named: lane.sentModel) else { return [] }
        if lane.rung == Job.onOriginal {
            let pools = self.policy.pools(ofOriginal: model, for: trafficClass, on: lane.endpoint)
            return self.routes(of: lane, over: pools, model, during: trafficClass.during, isPromotion: false)
        }
        let promoted = trafficClass.promote.map { [$0.pool] }
        guard lane.rung != 1 else { return self.routes(of: lane, over: promoted ?? trafficClass.pools, model, during: nil, isPromotion: false) }
        let own = self.routes(of: lane, over: trafficClass.pools, model, during: trafficClass.during, isPromotion: false)
        // A backend of the class's own may also be where jobs are promoted to, outside the window then.
        return own + self.routes(of: lane, over: promoted ?? [], model, during: nil, isPromotion: true)
    }

    private func routes(of lane: Job.Lane, over pools: [Int], _ model: Model, during: DispatchWindow?, isPromotion: Bool) -> [LaneRoute] {
        var seen: Set<Int> = []
        let open = during.map { self.openSteps($0) }
        var routes: [LaneRoute] = []
        for index in pools.flatMap({ self.policy.pools[$0].backends }) where seen.insert(index).inserted {
            let backend = self.policy.backends[index]
            guard let offer = model.offers[index], backend.endpoints.contains(lane.endpoint) else { continue }
            // Where time is short, or it was tried in vain, a provider's batch is no way.
            if backend.api.isBatchLane, lane.rung != 0 || isPromotion || lane.endpoint == .countTokens { continue }
            let prices = self.prices(of: offer, at: backend, lane.endpoint)
            if self.policy.rejectsUnpriced, prices.first == LaneRoute.unpriced { continue }
            routes.append(
                LaneRoute(
                    backend: index, prices: open.map { open in zip(prices, open).map { $1 ? $0 : nil } } ?? prices, isPromotion: isPromotion))
        }
        return routes
    }

    private func openSteps(_ window: DispatchWindow) -> [Bool] {
        self.horizon.shares(in: self.policy.calendar.intervals(of: window, in: self.horizon.start..<self.horizon.end)).enumerated().map { step, share in
            step == 0 ? self.policy.calendar.isOpen(window, at: self.horizon.start) : share >= 0.5
        }
    }

    /// Hardware that is paid for whether it is used or not costs nothing more.
    private func prices(of offer: Model.Offer, at backend: Backend, _ endpoint: Endpoint) -> [Int64] {
        if backend.owned != nil || backend.rented != nil { return self.horizon.steps.map { _ in 0 } }
        let prompt = endpoint == .embeddings ? 1000 : Int(1000 * LaneRouting.promptShare)
        let usage = TokenUsage(input: prompt, output: 1000 - prompt)
        var known: [PriceFactor: Int64] = [:]
        var card: RateCard?
        return self.horizon.steps.map { step in
            let instant = self.horizon.middle(of: step)
            if card?.isValid(at: instant) != true {
                card = self.policy.card(for: offer.name, at: backend, on: instant)
                known = [:]
            }
            guard let card else { return LaneRoute.unpriced }
            let lasts = card.pricedAt == .completion ? self.longCalls[backend.index] ?? .zero : .zero
            let factor = self.policy.windowFactor(of: card, at: instant + lasts)
            if let price = known[factor] { return price }
            let price = card.price(usage, tier: backend.api.billedTier, window: factor)?.cost.pico ?? LaneRoute.unpriced
            known[factor] = price
            return price
        }
    }
}
