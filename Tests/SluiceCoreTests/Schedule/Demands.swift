import SluiceCore

/// Queues and capacities by a few figures.
struct Demands {
    let horizon = PlanHorizon(from: SamplePolicy.noon)

    /// A backend that gets through so many tokens a second, all the time or up to a second.
    func supply(_ perSecond: Double, until end: Double = .infinity) -> BackendSupply {
        BackendSupply(
            tokens: self.horizon.steps.map { step in
                Double((self.horizon.edges[step] - SamplePolicy.noon).milliseconds) / 1000 < end ? perSecond * self.horizon.seconds(of: step) : 0
            }, longCall: .seconds(1))
    }

    func route(_ backend: Int, _ price: Int64, isPromotion: Bool = false) -> LaneRoute {
        LaneRoute(backend: backend, prices: self.horizon.steps.map { _ in price }, isPromotion: isPromotion)
    }

    /// One whose price is another one from a second on.
    func route(_ backend: Int, _ price: Int64, then later: Int64, from second: Int) -> LaneRoute {
        let change = SamplePolicy.noon + .seconds(second)
        return LaneRoute(backend: backend, prices: self.horizon.steps.map { self.horizon.edges[$0] >= change ? later : price })
    }

    /// Jobs of a hundred tokens.
    func jobs(_ count: Int, in lane: String = "a", due second: Int?, _ routes: [LaneRoute]) -> QueueDemand {
        QueueDemand(place: Demands.place(lane, due: second), jobs: count, tokens: Double(count * 100), routes: routes)
    }

    static func place(_ lane: String, tenant: String = "default", due second: Int?) -> QueueDemand.Place {
        let lane = Job.Lane(tenant: tenant, trafficClass: lane, sentModel: "chat", endpoint: .chat, rung: 0)
        return QueueDemand.Place(lane: lane, bucket: second.map { SamplePolicy.noon + .seconds($0) } ?? .distantFuture)
    }
}
