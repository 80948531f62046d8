/// What of the queue will run where and at what price, looked ahead over the horizon (`queue.md`, the look-ahead rule).
///
/// Cheap capacity is given first to those whose next choice is the dearest, each as late as its deadline allows, so that as much as possible finds
/// room there; what does not find any goes up by price, to the cheapest hours that are left. For work that is all here already on one backend this
/// is the best there is (a greedy choice over the sets of jobs that can all be in time); with arrivals to come it stays close.
///
/// A plan says what *may* leave now, not what must: cheap capacity that is free now takes whatever is most urgent, whenever it was planned.
package struct QueuePlan: Sendable {
    /// A part of a demand that runs at one price.
    package struct Share: Hashable, Sendable {
        package var backend: Int
        package var price: Int64
        package var tokens: Double
        package var isPromotion: Bool
        package var step: Int
    }

    package struct Outcome: Sendable {
        package var jobs: Int
        package var tokens: Double
        package var shares: [Share] = []
        /// What finds no room before its deadline.
        package var missing = 0.0
    }

    package let horizon: PlanHorizon
    package let supplies: [BackendSupply]
    /// What lanes were expected to cost.
    package let odds: LaneOdds?
    package private(set) var outcomes: [QueueDemand.Place: Outcome] = [:]
    /// By backend and step.
    private var used: [[Double]]
    private var routes: [Job.Lane: [LaneRoute]] = [:]

    /// - Parameter expected: What has not come yet: it takes its room and has no outcome.
    package init(_ demands: [QueueDemand], expected: [QueueDemand] = [], supplies: [BackendSupply], odds: LaneOdds? = nil, over horizon: PlanHorizon) {
        self.horizon = horizon
        self.odds = odds
        self.supplies = supplies
        self.used = supplies.map { [Double](repeating: 0, count: $0.tokens.count) }
        var regrets: [Job.Lane: Int64] = [:]
        for demand in demands + expected where regrets[demand.place.lane] == nil { regrets[demand.place.lane] = demand.regret ?? .max }
        for demand in demands where self.routes[demand.place.lane] == nil { self.routes[demand.place.lane] = demand.laneRoutes }
        let all = demands.map { ($0, true) } + expected.map { ($0, false) }
        let ordered = all.sorted { a, b in
            guard a.0.isPatient == b.0.isPatient else { return b.0.isPatient }
            let (left, right) = (regrets[a.0.place.lane] ?? 0, regrets[b.0.place.lane] ?? 0)
            return left == right ? a.0.place.bucket < b.0.place.bucket : left > right
        }
        for (demand, isHere) in ordered {
            let outcome = self.place(demand)
            if isHere { self.outcomes[demand.place] = outcome }
        }
    }

    /// All routes of a lane, at their prices.
    package func knownRoutes(of lane: Job.Lane) -> [LaneRoute]? { self.routes[lane] }

    // MARK: Placing

    /// Takes room for a demand.
    mutating func place(_ demand: QueueDemand) -> Outcome {
        var outcome = Outcome(jobs: demand.jobs, tokens: demand.tokens)
        var rest = demand.tokens
        for price in QueuePlan.prices(of: demand) where rest > 0 {
            for route in demand.routes where rest > 0 {
                self.place(&rest, of: demand, on: route, at: price, into: &outcome)
            }
        }
        outcome.missing = rest
        return outcome
    }

    private mutating func place(_ rest: inout Double, of demand: QueueDemand, on route: LaneRoute, at price: Int64, into outcome: inout Outcome) {
        let supply = self.supplies[route.backend]
        let latest = self.latestStart(demand.place.bucket, supply)
        for step in self.horizon.steps.reversed() where route.prices[step] == price {
            guard rest > 0 else { return }
            let share = self.horizon.share(of: step, before: latest)
            guard share > 0, demand.opening.map({ self.horizon.edges[step + 1] > $0 }) ?? true else { continue }
            let free = min(supply.tokens[step] * share, supply.tokens[step] - self.used[route.backend][step])
            guard free > 0 else { continue }
            let taken = min(free, rest)
            self.used[route.backend][step] += taken
            rest -= taken
            outcome.add(Share(backend: route.backend, price: price, tokens: taken, isPromotion: route.isPromotion, step: step))
        }
    }

    /// A call must begin a long call before the deadline, but where that is soon a part of the time that is left must do.
    private func latestStart(_ bucket: Timestamp, _ supply: BackendSupply) -> Timestamp {
        guard bucket < self.horizon.end + .seconds(30 * 86_400) else { return self.horizon.end }
        let left = bucket - self.horizon.start
        return bucket - min(supply.longCall, .milliseconds(max(0, left.milliseconds / 4)))
    }

    /// The prices at which it may run, the cheapest first; work without a deadline takes the cheapest only.
    private static func prices(of demand: QueueDemand) -> [Int64] {
        var prices: Set<Int64> = []
        for route in demand.routes where !(demand.isPatient && route.isPromotion) { prices.formUnion(route.prices.lazy.compactMap { $0 }) }
        return demand.isPatient ? prices.min().map { [$0] } ?? [] : prices.sorted()
    }

    // MARK: What may leave now

    /// How many jobs of a place may go to a backend that costs `price` now: those for which nothing cheaper is planned.
    package func allowance(_ place: QueueDemand.Place, at price: Int64) -> Int {
        guard let outcome = self.outcomes[place], outcome.tokens > 0 else { return 0 }
        if place.bucket == .distantFuture {
            // Also where the plan has no room for it: then it gets what is left, and a trickle.
            let cheapest = self.routes[place.lane]?.lazy.filter { !$0.isPromotion }.flatMap { $0.prices.compactMap { $0 } }.min() ?? .max
            return price <= cheapest ? outcome.jobs : 0
        }
        let planned = outcome.shares.lazy.filter { $0.price >= price }.reduce(outcome.missing) { $0 + $1.tokens }
        return QueuePlan.jobs(planned, of: outcome)
    }

    /// How many jobs of a place must be promoted now, before the time that the policy names, since later there is no room for them.
    package func promotions(_ place: QueueDemand.Place) -> Int {
        guard let outcome = self.outcomes[place] else { return 0 }
        let planned = outcome.shares.lazy.filter { $0.isPromotion && $0.step == 0 }.reduce(0.0) { $0 + $1.tokens }
        return QueuePlan.jobs(planned, of: outcome)
    }

    /// Notes that jobs of a place have left for a backend that costs `price`: the cheapest of what was planned from there on is used up.
    package mutating func take(_ jobs: Int, from place: QueueDemand.Place, at price: Int64) {
        guard var outcome = self.outcomes[place], outcome.jobs > 0 else { return }
        let tokens = outcome.tokens * Double(min(jobs, outcome.jobs)) / Double(outcome.jobs)
        var rest = tokens
        for index in outcome.shares.indices.sorted(by: { outcome.shares[$0].price < outcome.shares[$1].price })
        where outcome.shares[index].price >= price {
            let taken = min(rest, outcome.shares[index].tokens)
            outcome.shares[index].tokens -= taken
            rest -= taken
        }
        outcome.missing = max(0, outcome.missing - rest)
        outcome.jobs -= min(jobs, outcome.jobs)
        outcome.tokens = max(0, outcome.tokens - tokens)
        self.outcomes[place] = outcome
    }

    /// Jobs of a place that the plan knows of.
    package func jobs(at place: QueueDemand.Place) -> Int { self.outcomes[place]?.jobs ?? 0 }

    /// All places with ``promotions(_:)``.
    package var duePromotions: [(place: QueueDemand.Place, jobs: Int)] {
        self.outcomes.keys.map { ($0, self.promotions($0)) }.filter { $0.1 > 0 }
    }

    private static func jobs(_ tokens: Double, of outcome: Outcome) -> Int {
        guard outcome.tokens > 0, tokens > outcome.tokens * 1e-6 else { return 0 }
        return min(outcome.jobs, Int((tokens * Double(outcome.jobs) / outcome.tokens).rounded(.up)))
    }
}

extension QueuePlan.Outcome {
    fileprivate mutating func add(_ share: QueuePlan.Share) {
        // Steps of the same kind are one; the first step counts for promotions.
        if let last = self.shares.indices.last, self.shares[last].backend == share.backend, self.shares[last].price == share.price,
            self.shares[last].isPromotion == share.isPromotion, share.step > 0
        {
            self.shares[last].tokens += share.tokens
            self.shares[last].step = share.step
        } else {
            self.shares.append(share)
        }
    }
}
