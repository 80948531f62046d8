import SluiceCore
import SluiceDispatch

/// Puts together what a plan of the queue needs: the policy, what waits, and what is known of the backends.
struct QueuePlanner {
    /// On a backend that live work uses too, deferred work leaves a tenth of the slots free where the policy says nothing.
    private static let usualReserve = 10
    private static let usualTokens = 512

    let live: LivePolicy
    let paces: DeferredPaces
    let profiles: TrafficProfiles
    let loads: EngineLoads
    /// What is too little for a provider's batch.
    let skipped: Set<LaneGate.Key>
    /// How long lanes take, by the names of backends.
    let curves: [String: LaneCurve]
    let now: Now

    func plan(_ backlog: [LaneBacklog]) -> QueuePlan {
        let policy = self.live.policy
        let horizon = PlanHorizon(from: self.now.wall)
        let conditions = policy.backends.map { self.live.slots[$0.index].condition(isLater: true, at: self.now.monotonic) }
        let calls = policy.backends.filter { !$0.api.isBatchLane }.compactMap { backend in conditions[backend.index].slotTimeLong.map { (backend.index, $0) } }
        let routing = LaneRouting(policy, over: horizon, longCalls: Dictionary(uniqueKeysWithValues: calls))
        let odds = LaneOdds(self.curves, policy: policy, over: horizon)
        let gate = LaneGate(backlog, skipped: self.skipped, policy: policy, odds: odds, at: self.now.wall)
        var models: [String: String] = [:]
        var demands: [QueueDemand] = []
        for lane in backlog {
            let routes = routing.routes(of: lane.lane)
            models[lane.lane.trafficClass] = lane.lane.sentModel
            for bucket in lane.buckets {
                let jobs = bucket.ready.jobs + bucket.held.jobs
                let tokens = Double(max(jobs, bucket.ready.tokens + bucket.held.tokens))
                let place = QueueDemand.Place(lane: lane.lane, bucket: bucket.at)
                demands.append(QueueDemand(place: place, jobs: jobs, tokens: tokens, routes: gate.open(routes, for: place), of: routes))
            }
        }
        let expected = demands.isEmpty ? [] : self.profiles.expected(of: policy, over: horizon, routing, models: models)
        let supplies = policy.backends.map { self.supply(of: $0, conditions[$0.index], over: horizon) }
        return QueuePlan(demands, expected: expected, supplies: supplies, odds: odds, over: horizon)
    }

    private func supply(of backend: Backend, _ condition: BackendCondition, over horizon: PlanHorizon) -> BackendSupply {
        let pace = self.paces.pace(of: backend)
        var forecast = BackendSupply.Forecast(
            condition: condition, slots: self.slots(of: backend, condition), pace: pace.tokensPerSecond,
            live: self.profiles.live(at: backend.name))
        if case .down(let until) = condition.availability {
            forecast.downUntil = self.now.wall + (until.map { max($0 - self.now.monotonic, .zero) } ?? .seconds(60))
        }
        // It may seem to be up, and refuse all the same: then what cannot wait for it goes elsewhere.
        if let back = pace.expectedBack, back > self.now.monotonic {
            let back = self.now.wall + (back - self.now.monotonic)
            forecast.downUntil = max(forecast.downUntil ?? back, back)
        }
        if backend.api.isBatchLane {
            return BackendSupply(ofLane: backend, downUntil: forecast.downUntil, calendar: self.live.policy.calendar, over: horizon)
        }
        return BackendSupply(of: backend, forecast, calendar: self.live.policy.calendar, over: horizon)
    }

    /// How many slots deferred work may hold there when nobody else does.
    private func slots(of backend: Backend, _ condition: BackendCondition) -> Int {
        let found = self.paces.pace(of: backend).concurrency.limit
        let allowed = self.loads.isUnreadable(backend.name) ? max(1, found / 2) : found
        guard let limit = condition.limit else { return allowed }
        guard backend.limits.liveReserve == nil, limit > 1, self.isShared(backend.index) else { return min(allowed, limit) }
        return min(allowed, limit - max(1, limit / QueuePlanner.usualReserve))
    }

    /// Whether a class that is served now may come here.
    private func isShared(_ backend: Int) -> Bool {
        self.live.policy.classes.contains { trafficClass in
            trafficClass.serve == .now && trafficClass.pools.contains { self.live.policy.pools[$0].backends.contains(backend) }
        }
    }

    // MARK: Now

    /// How many more deferred calls a backend takes now. What live work has in flight counts, so deferred work makes room as it comes.
    func room(at index: Int) -> Int {
        let backend = self.live.policy.backends[index]
        // Its jobs go in bundles.
        guard !backend.api.isBatchLane else { return 0 }
        let condition = self.live.slots[index].condition(isLater: true, at: self.now.monotonic)
        if case .down(let until) = condition.availability, until.map({ $0 > self.now.monotonic }) ?? true { return 0 }
        if let closed = backend.closed, self.live.policy.calendar.isOpen(closed, at: self.now.wall) { return 0 }
        if let open = backend.rented?.when, !self.live.policy.calendar.isOpen(open, at: self.now.wall) { return 0 }
        guard condition.waiting == 0, !self.loads.isBusy(backend.name, at: self.now.monotonic) else { return 0 }
        return max(0, min(self.slots(of: backend, condition) - condition.inFlight, self.allowance(of: backend, condition)))
    }

    /// What limits per minute leave, of which live work keeps a tenth.
    private func allowance(of backend: Backend, _ condition: BackendCondition) -> Int {
        func free(_ left: Int?, of limit: Int?) -> Int {
            guard let left, let limit else { return .max }
            return left - (self.isShared(backend.index) ? limit / QueuePlanner.usualReserve : 0)
        }
        let tokens = free(condition.tokensLeft, of: backend.limits.tokensPerMinute)
        return min(free(condition.requestsLeft, of: backend.limits.requestsPerMinute), tokens == .max ? .max : tokens / QueuePlanner.usualTokens)
    }

    /// Halves what deferred work gets of backends where live requests wait longer for their first token than their class allows.
    func heedLiveWork() {
        for trafficClass in self.live.policy.classes where trafficClass.serve == .now {
            guard let budget = trafficClass.latency.firstToken else { continue }
            for index in Set(trafficClass.pools.flatMap { self.live.policy.pools[$0].backends }) {
                let name = self.live.policy.backends[index].name
                guard self.paces.pace(of: self.live.policy.backends[index]).inFlight > 0,
                    let seen = self.live.slots[index].condition(isLater: false, at: self.now.monotonic).firstToken, seen > budget
                else { continue }
                self.paces.liveSuffers(name, at: self.now.monotonic)
            }
        }
    }

    /// What of the backlog may leave now, by the plan.
    func candidates(_ backlog: [LaneBacklog], _ plan: QueuePlan) -> [LeaseRound.Candidate] {
        var candidates: [LeaseRound.Candidate] = []
        let gate = LaneGate(backlog, skipped: self.skipped, policy: self.live.policy, odds: plan.odds, at: self.now.wall)
        for lane in backlog {
            guard let routes = plan.knownRoutes(of: lane.lane) else { continue }
            let weight = self.live.policy.tenants.first { $0.name == lane.lane.tenant }?.terms.weight ?? self.live.policy.defaultTenant.terms.weight
            for bucket in lane.buckets where bucket.ready.jobs > 0 {
                let place = QueueDemand.Place(lane: lane.lane, bucket: bucket.at)
                let tiers = self.tiers(of: gate.open(routes, for: place))
                // Jobs that came since the plan was made may have what is cheapest; the next plan says more.
                let unplanned = max(0, bucket.ready.jobs + bucket.held.jobs - plan.jobs(at: place))
                let allowed = tiers.enumerated().map { number, tier in
                    LeaseRound.Tier(
                        backends: tier.backends, allowance: plan.allowance(place, at: tier.price) + (number == 0 && tier.isCheapest ? unplanned : 0))
                }
                candidates.append(
                    LeaseRound.Candidate(
                        place: place, jobs: bucket.ready.jobs, tokens: Double(bucket.ready.tokens) / Double(bucket.ready.jobs), weight: weight, tiers: allowed))
            }
        }
        return candidates
    }

    private struct PriceTier {
        var price: Int64
        var backends: [Int]
        /// Nothing cheaper comes later.
        var isCheapest: Bool
    }

    private func tiers(of routes: [LaneRoute]) -> [PriceTier] {
        let open = routes.filter { !$0.isPromotion && $0.prices[0] != nil && !self.live.policy.backends[$0.backend].api.isBatchLane }
        let cheapest = routes.lazy.filter { !$0.isPromotion }.flatMap { $0.prices.compactMap { $0 } }.min() ?? 0
        var tiers: [PriceTier] = []
        for route in open.sorted(by: { ($0.prices[0] ?? 0) < ($1.prices[0] ?? 0) }) {
            guard let price = route.prices[0] else { continue }
            if let last = tiers.indices.last, tiers[last].price == price {
                tiers[last].backends.append(route.backend)
            } else {
                tiers.append(PriceTier(price: price, backends: [route.backend], isCheapest: price <= cheapest))
            }
        }
        return tiers
    }

    /// The price of a tier's first backend now.
    static func price(of backend: Int, in routes: [LaneRoute]) -> Int64 {
        routes.first { $0.backend == backend && !$0.isPromotion }?.prices[0] ?? 0
    }
}
