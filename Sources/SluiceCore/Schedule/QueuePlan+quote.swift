/// What is expected of work that comes now.
package struct QueueProspect: Sendable {
    /// Where it is expected to run; the parts add up to 1, but for what finds no room.
    package var parts: [(backend: Int, at: Timestamp, share: Double)] = []
    /// nil where nothing can run it.
    package var finish: Timestamp?
    /// The chance that it is late, 0…1.
    package var risk = 1.0
}

extension QueuePlan {
    /// The spread of a forecast that was found right within forty per cent.
    private static let spread = 0.4

    /// What is expected of work that comes behind all that waits.
    package func prospect(of demand: QueueDemand) -> QueueProspect {
        var prospect = QueueProspect()
        var plan = self
        guard demand.tokens > 0 else { return prospect }
        let outcome = plan.place(demand)
        prospect.parts = outcome.shares.map { share in
            (share.backend, self.horizon.middle(of: share.step), share.tokens / demand.tokens)
        }
        let routes = demand.routes.filter { route in outcome.shares.contains { $0.backend == route.backend && $0.isPromotion == route.isPromotion } }
        guard !routes.isEmpty else { return prospect }
        prospect.finish = self.finish(of: demand, on: routes)
        prospect.risk = demand.isPatient ? 0 : self.risk(of: demand)
        return prospect
    }

    /// Work is done by deadline: it is through when all that is as urgent, and this, fits into what is there.
    private func finish(of demand: QueueDemand, on routes: [LaneRoute]) -> Timestamp? {
        let backends = Set(routes.map(\.backend))
        let ahead = self.outcomes.reduce(0.0) { sum, other in
            guard other.key.bucket <= demand.place.bucket else { return sum }
            return sum + other.value.shares.lazy.filter { backends.contains($0.backend) }.reduce(0) { $0 + $1.tokens }
        }
        var rest = ahead + demand.tokens
        let call = backends.map { self.supplies[$0].longCall }.max() ?? .zero
        for step in self.horizon.steps where demand.opening.map({ self.horizon.edges[step + 1] > $0 }) ?? true {
            let capacity = backends.reduce(0.0) { sum, backend in
                let isOpen = routes.contains { $0.backend == backend && $0.prices[step] != nil }
                return sum + (isOpen ? self.supplies[backend].tokens[step] : 0)
            }
            guard capacity < rest else {
                let start = max(self.horizon.edges[step], demand.opening ?? .distantPast)
                let span = (self.horizon.edges[step + 1] - start).milliseconds
                return start + .milliseconds(Int64(Double(max(span, 0)) * rest / capacity)) + .milliseconds(call.milliseconds / 2)
            }
            rest -= capacity
        }
        return nil
    }

    /// The chance that what is due by its deadline is more than what can be done by then, where both are known within forty per cent.
    private func risk(of demand: QueueDemand) -> Double {
        let backends = Set(demand.routes.map(\.backend))
        let due = self.outcomes.reduce(demand.tokens) { sum, other in
            guard other.key.bucket <= demand.place.bucket, self.knownRoutes(of: other.key.lane)?.contains(where: { backends.contains($0.backend) }) == true
            else { return sum }
            return sum + other.value.tokens
        }
        let capacity = self.horizon.steps.reduce(0.0) { sum, step in
            let share = self.horizon.share(of: step, before: demand.place.bucket)
            return backends.reduce(sum) { sum, backend in
                let isOpen = demand.routes.contains { $0.backend == backend && $0.prices[step] != nil }
                return sum + (isOpen ? self.supplies[backend].tokens[step] * share : 0)
            }
        }
        return NormalCurve.above((capacity - due) / (QueuePlan.spread * due))
    }
}

/// The normal distribution, as closely as a quote needs it.
enum NormalCurve {
    /// The chance of a value above `z` standard deviations, within a percent (Bowling's logistic fit), in thousandths.
    static func above(_ z: Double) -> Double {
        let bounded = max(-8, min(8, z))
        let exponent = 0.07056 * bounded * bounded * bounded + 1.5976 * bounded
        return (1000 / (1 + self.exponential(exponent))).rounded() / 1000
    }

    private static func exponential(_ x: Double) -> Double {
        // (1 + x / 1024)^1024 by squaring: close enough, and no library of its own.
        var value = 1 + max(-512, min(x, 1e6)) / 1024
        for _ in 0..<10 { value *= value }
        return value
    }
}
