/// What work on a provider's batch lane is expected to cost: its price if it is done in time, and otherwise what it costs where it runs then
/// (`queue.md` 10.3). What a lane does not finish it does not charge for.
package struct LaneOdds: Sendable {
    private let curves: [String: LaneCurve]
    private let policy: PolicySet
    private let horizon: PlanHorizon

    /// - Parameter curves: By the names of backends.
    package init(_ curves: [String: LaneCurve], policy: PolicySet, over horizon: PlanHorizon) {
        self.curves = curves
        self.policy = policy
        self.horizon = horizon
    }

    /// The instant from which it looks ahead.
    package var start: Timestamp { self.horizon.start }

    /// The same routes, with lanes at what they are expected to cost instead of their price.
    ///
    /// - Parameter pull: When the lane is asked to stop.
    package func expected(_ routes: [LaneRoute], pull: Timestamp) -> [LaneRoute] {
        let singles = routes.filter { !self.isLane($0) }
        guard singles.count < routes.count, let fallback = self.price(of: singles, at: pull) else { return routes }
        return routes.map { route in
            guard self.isLane(route) else { return route }
            // Of all steps as if it went now: a lane has room for all there is, so nothing waits for a later one.
            let chance = self.curve(of: route).chance(ofEndBefore: pull - self.start)
            var route = route
            route.prices = route.prices.map { $0.map { $0 < LaneRoute.unpriced ? LaneOdds.mean($0, fallback, chance) : $0 } }
            return route
        }
    }

    /// Jobs of one lane of the queue that are with a provider.
    package struct Part: Sendable {
        package var jobs: Int
        package var routes: [LaneRoute]

        package init(jobs: Int, routes: [LaneRoute]) {
            self.jobs = jobs
            self.routes = routes
        }
    }

    /// Whether jobs are better called back now: something cheap closes that would not be there when the lane is out of time, and to have it now
    /// is expected to cost less than to stay.
    ///
    /// - Parameters:
    ///   - parts: All of them; where one cannot run elsewhere now, they stay.
    ///   - backend: The lane that they are on.
    ///   - age: How long they have been there.
    ///   - pull: When it is asked to stop at the latest.
    package func isBetterElsewhere(_ parts: [Part], than backend: Int, age: Duration, pull: Timestamp) -> Bool {
        let now = self.horizon.start
        guard pull > now else { return false }
        var isLastChance = false
        var (stay, go) = (0.0, 0.0)
        for part in parts {
            let singles = part.routes.filter { !self.isLane($0) }
            guard let lane = part.routes.first(where: { $0.backend == backend }), let price = lane.prices[0],
                let elsewhere = singles.lazy.filter({ !$0.isPromotion }).compactMap({ $0.prices[0] }).min(),
                let fallback = self.price(of: singles, at: pull)
            else { return false }
            let chance = self.curve(of: lane).chance(ofEndBefore: pull - now + age, age: age)
            stay += Double(part.jobs) * (Double(price) * chance + Double(fallback) * (1 - chance))
            go += Double(part.jobs) * Double(elsewhere)
            if elsewhere < fallback, !self.comesAgain(elsewhere, on: singles, before: pull) { isLastChance = true }
        }
        return isLastChance && go < stay
    }

    /// Whether there will be another moment with this price, late enough that the lane can still be stopped for it.
    private func comesAgain(_ price: Int64, on routes: [LaneRoute], before pull: Timestamp) -> Bool {
        let soon = self.horizon.start + BundleTerms.cancelLag
        return self.horizon.steps.contains { step in
            self.horizon.edges[step] >= soon && self.horizon.edges[step] < pull
                && routes.contains { route in !route.isPromotion && route.prices[step].map { $0 <= price } ?? false }
        }
    }

    /// The cheapest of these routes at an instant; of a time when none is open, the dearest that they ever are.
    private func price(of routes: [LaneRoute], at instant: Timestamp) -> Int64? {
        let step = self.horizon.steps.last { self.horizon.edges[$0] <= instant } ?? 0
        return routes.lazy.compactMap { $0.prices[step] }.min() ?? routes.lazy.flatMap { $0.prices.compactMap { $0 } }.max()
    }

    private func isLane(_ route: LaneRoute) -> Bool { self.policy.backends[route.backend].api.isBatchLane }

    private func curve(of route: LaneRoute) -> LaneCurve { self.curves[self.policy.backends[route.backend].name] ?? LaneCurve(ends: []) }

    private static func mean(_ price: Int64, _ fallback: Int64, _ chance: Double) -> Int64 {
        price + Int64(((Double(fallback) - Double(price)) * (1 - chance)).rounded())
    }
}
