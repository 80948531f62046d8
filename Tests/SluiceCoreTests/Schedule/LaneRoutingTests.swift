import SluiceCore
import Testing

/// What a token costs on a route, step by step.
@Suite struct LaneRoutingTests {
    /// Half price until five past noon.
    private static func policy(_ pricedAt: RateCard.PricedAt) -> PolicySet {
        var sample = SamplePolicy(prices: ["2"])
        sample.addClass("patient", .later)
        var hours = DispatchWindow.Hours(zone: "UTC")
        hours.ranges = [.init(start: 0, end: 12 * 3600 + 300)]
        sample.parts.windows = ["cheap": .hours(hours)]
        if case .every(var cards) = sample.parts.backends[0].prices {
            cards[0].windows = [RateCard.Window(name: "cheap", factor: PriceFactor(millionths: 500_000))]
            cards[0].pricedAt = pricedAt
            sample.parts.backends[0].prices = .every(cards)
        }
        return sample.policy
    }

    private func price(_ pricedAt: RateCard.PricedAt, longCall: Duration) -> Int64? {
        let lane = Job.Lane(tenant: "default", trafficClass: "patient", sentModel: "chat", endpoint: .chat, rung: 0)
        let routing = LaneRouting(LaneRoutingTests.policy(pricedAt), over: PlanHorizon(from: SamplePolicy.noon), longCalls: [0: longCall])
        return routing.routes(of: lane).first?.prices[0]
    }

    @Test func aCallThatEndsBehindTheWindowHasThePriceOfThere() {
        #expect(self.price(.completion, longCall: .seconds(60)) == 1_000_000_000)
        #expect(self.price(.completion, longCall: .seconds(600)) == 2_000_000_000)
        #expect(self.price(.start, longCall: .seconds(600)) == 1_000_000_000, "the price at its start counts")
    }
}
