import SluiceCore
import Testing

/// What a provider's batch is expected to cost, and when it is better called back.
@Suite struct LaneOddsTests {
    private static let horizon = PlanHorizon(from: SamplePolicy.noon)
    private static let steps = LaneOddsTests.horizon.steps.count

    /// Backend 0 is a lane, backend 1 answers singly.
    private static let policy: PolicySet = {
        var sample = SamplePolicy(prices: ["2", "2"])
        var lane = Backend(index: 0, name: "lane", api: .openaiBatch)
        lane.prices = sample.parts.backends[0].prices
        sample.parts.backends[0] = lane
        return sample.policy
    }()

    private static func odds(_ ends: [Duration] = []) -> LaneOdds {
        LaneOdds(["lane": LaneCurve(ends: ends)], policy: LaneOddsTests.policy, over: LaneOddsTests.horizon)
    }

    private static func route(_ backend: Int, _ price: Int64, isPromotion: Bool = false) -> LaneRoute {
        LaneRoute(backend: backend, prices: [Int64?](repeating: price, count: LaneOddsTests.steps), isPromotion: isPromotion)
    }

    /// Costs 600 for so long, then 1000.
    private static func cheap(for time: Duration) -> LaneRoute {
        let prices = LaneOddsTests.horizon.steps.map { LaneOddsTests.horizon.edges[$0] < SamplePolicy.noon + time ? 600 : 1000 as Int64? }
        return LaneRoute(backend: 1, prices: prices)
    }

    private static func after(_ hours: Int64) -> Timestamp { SamplePolicy.noon + .seconds(hours * 3600) }

    @Test func aLaneCostsItsPriceOrTheFallback() {
        let routes = [LaneOddsTests.route(0, 500), LaneOddsTests.route(1, 1000)]
        let expected = LaneOddsTests.odds().expected(routes, pull: LaneOddsTests.after(6))
        #expect(expected[0].prices.allSatisfy { $0 == 875 }, "a quarter of 500, three of 1000")
        #expect(expected[1].prices == routes[1].prices)
        let known = LaneOddsTests.odds([Duration](repeating: .seconds(600), count: 300)).expected(routes, pull: LaneOddsTests.after(6))
        #expect(known[0].prices[0].map { $0 < 510 } == true)
    }

    @Test func whereNothingElseRunsThemTheLaneHasItsPrice() {
        let routes = [LaneOddsTests.route(0, 500)]
        #expect(LaneOddsTests.odds().expected(routes, pull: LaneOddsTests.after(6))[0].prices == routes[0].prices)
    }

    @Test func whatIsUnpricedStaysSo() {
        let routes = [LaneOddsTests.route(0, LaneRoute.unpriced), LaneOddsTests.route(1, 1000)]
        #expect(LaneOddsTests.odds().expected(routes, pull: LaneOddsTests.after(6))[0].prices[0] == LaneRoute.unpriced)
    }

    private func goes(
        _ other: LaneRoute, _ ends: [Duration] = [], promotion: LaneRoute? = nil, age: Duration = .seconds(3600), pull hours: Int64 = 6
    ) -> Bool {
        let part = LaneOdds.Part(jobs: 10, routes: [LaneOddsTests.route(0, 500), other] + (promotion.map { [$0] } ?? []))
        return LaneOddsTests.odds(ends).isBetterElsewhere([part], than: 0, age: age, pull: LaneOddsTests.after(hours))
    }

    @Test func whatClosesBeforeTheLaneIsLikelyToEndIsTakenNow() {
        // 6 of the 23 hours that are left: 0.26 · 500 + 0.74 · 1000 is more than 600.
        #expect(self.goes(LaneOddsTests.cheap(for: .seconds(300))))
    }

    @Test func aLaneThatUsuallyEndsInTimeIsWaitedFor() {
        #expect(!self.goes(LaneOddsTests.cheap(for: .seconds(300)), [Duration](repeating: .seconds(2 * 3600), count: 100)))
    }

    @Test func whatWillBeThereLaterCanWait() {
        #expect(!self.goes(LaneOddsTests.cheap(for: .seconds(3 * 3600))), "the window is open for hours")
        #expect(!self.goes(LaneOddsTests.route(1, 1000)), "it costs the same at the end")
        #expect(!self.goes(LaneOddsTests.cheap(for: .seconds(300)), pull: 0), "it is called back anyway")
    }

    @Test func jobsThatCannotRunElsewhereNowStay() {
        let parts = [
            LaneOdds.Part(jobs: 10, routes: [LaneOddsTests.route(0, 500), LaneOddsTests.cheap(for: .seconds(300))]),
            LaneOdds.Part(jobs: 1, routes: [LaneOddsTests.route(0, 500), LaneOddsTests.route(1, 900, isPromotion: true)]),
        ]
        #expect(!LaneOddsTests.odds().isBetterElsewhere(parts, than: 0, age: .seconds(3600), pull: LaneOddsTests.after(6)))
        #expect(LaneOddsTests.odds().isBetterElsewhere([parts[0]], than: 0, age: .seconds(3600), pull: LaneOddsTests.after(6)))
    }
}
