import SluiceCore
import Testing

/// What is for a provider's batch lane, and what it costs there.
@Suite struct LaneGateTests {
    /// Backend 0 is a lane, backend 1 answers singly at the same price.
    private static func sample(tier: PriceFactor? = PriceFactor(millionths: 500_000)) -> SamplePolicy {
        var sample = SamplePolicy(prices: ["2", "2"])
        let plain = sample.parts.backends[0]
        var lane = Backend(index: 0, name: plain.name, api: .openaiBatch)
        lane.prices = plain.prices
        if let tier, case .every(var cards) = lane.prices {
            cards[0].tiers["batch"] = RateCard.Tier(factor: tier)
            lane.prices = .every(cards)
        }
        sample.parts.backends[0] = lane
        sample.addClass("patient", .later)
        return sample
    }

    private static func backlog(_ jobs: Int, due seconds: Int64?, rung: Int = 0) -> (QueueDemand.Place, [LaneBacklog]) {
        let lane = Job.Lane(tenant: "default", trafficClass: "patient", sentModel: "chat", endpoint: .chat, rung: rung)
        var bucket = LaneBacklog.Bucket(at: seconds.map { SamplePolicy.noon + .seconds($0) } ?? .distantFuture)
        bucket.ready.jobs = jobs
        return (QueueDemand.Place(lane: lane, bucket: bucket.at), [LaneBacklog(lane: lane, buckets: [bucket])])
    }

    private func accepts(_ jobs: Int, due seconds: Int64?, rung: Int = 0, isSkipped: Bool = true) -> Bool {
        let policy = LaneGateTests.sample().policy
        let (place, backlog) = LaneGateTests.backlog(jobs, due: seconds, rung: rung)
        let gate = LaneGate(backlog, skipped: [], policy: policy, at: SamplePolicy.noon)
        guard isSkipped, let key = gate.key(of: place, at: 0) else { return gate.accepts(place, at: 0) }
        return LaneGate(backlog, skipped: [key], policy: policy, at: SamplePolicy.noon).accepts(place, at: 0)
    }

    @Test func enoughJobsOrEnoughTimeAreForTheLane() {
        #expect(self.accepts(5, due: 600) && self.accepts(1, due: 7200) && self.accepts(1, due: nil))
        #expect(!self.accepts(4, due: 600))
    }

    @Test func fewWaitForCompanyUntilTheyHaveWaitedLongEnough() {
        #expect(self.accepts(1, due: 600, isSkipped: false) && !self.accepts(1, due: 600))
    }

    @Test func whatIsOverdueOrOffTheLanesIsNotForThem() {
        #expect(!self.accepts(9, due: 0) && !self.accepts(9, due: 7200, rung: Job.offLanes) && !self.accepts(9, due: 7200, rung: 1))
    }

    @Test func theTimeUntilPromotionIsWhatCounts() {
        var sample = LaneGateTests.sample()
        sample.parts.classes[1].promote = TrafficClass.Promotion(beforeDeadline: .seconds(3600), pool: 0)
        let (place, backlog) = LaneGateTests.backlog(1, due: 9000)
        let gate = LaneGate(backlog, skipped: [], policy: sample.policy, at: SamplePolicy.noon)
        #expect(gate.slack(of: place) == .seconds(5400))
    }

    @Test func aLaneIsPricedByItsTier() throws {
        let policy = LaneGateTests.sample().policy
        let (place, _) = LaneGateTests.backlog(1, due: 7200)
        let routes = LaneRouting(policy, over: PlanHorizon(from: SamplePolicy.noon)).routes(of: place.lane)
        let prices = routes.map { $0.prices[0] }
        #expect(prices == [1_000_000_000, 2_000_000_000])
    }

    @Test func aLaneWithoutTheTierHasPricesOfItsOwn() throws {
        let policy = LaneGateTests.sample(tier: nil).policy
        let card = try #require(policy.card(for: "own-chat", at: policy.backends[0], on: SamplePolicy.noon))
        let usage = TokenUsage(input: 1_000_000)
        #expect(card.price(usage, tier: "batch")?.cost == card.price(usage, tier: nil)?.cost)
        #expect(policy.card(for: "own-chat", at: policy.backends[1], on: SamplePolicy.noon)?.tiers.isEmpty == true)
    }

    @Test(arguments: [0, 1, 2]) func jobsOffTheLanesHaveNoRouteThere(_ rung: Int) {
        let (place, _) = LaneGateTests.backlog(1, due: 7200, rung: rung)
        let routes = LaneRouting(LaneGateTests.sample().policy, over: PlanHorizon(from: SamplePolicy.noon)).routes(of: place.lane)
        #expect(routes.contains { $0.backend == 0 } == (rung == 0))
    }

    /// What goes out as a call of its own never goes there, whatever the request may wait for.
    @Test func callsPassItOver() {
        let policy = LaneGateTests.sample().policy
        let request = InferenceRequest(endpoint: .chat, tenant: "default", model: "chat")
        let decision = Decision(route: 0, trafficClass: 1, requested: 0, budget: LatencyBudget())
        func route(isCall: Bool) -> Route {
            RoutePlanner(policy: policy).plan(request, decision, isCall: isCall, at: SamplePolicy.now(), chance: 0) { _ in BackendCondition() }
        }
        #expect(route(isCall: true).passedOver.map(\.reason) == [.batchLane] && route(isCall: false).passedOver.isEmpty)
    }

    @Test func requestsThatCannotWaitPassItOver() {
        let policy = LaneGateTests.sample().policy
        func reasons(trafficClass: Int, stream: Bool = false, wait: Decision.WaitAnswer? = nil) -> [Route.Reason] {
            var request = InferenceRequest(endpoint: .chat, tenant: "default", model: "chat")
            request.isStream = stream
            var decision = Decision(route: 0, trafficClass: trafficClass, requested: 0, budget: LatencyBudget())
            decision.wait = wait.map { Decision.Wait(deadline: nil, notBefore: SamplePolicy.noon, answer: $0) }
            return RoutePlanner(policy: policy).plan(request, decision, at: SamplePolicy.now(), chance: 0) { _ in BackendCondition() }.passedOver.map(\.reason)
        }
        #expect(reasons(trafficClass: 0) == [.batchLane] && reasons(trafficClass: 1, stream: true) == [.batchLane])
        #expect(reasons(trafficClass: 1, wait: .hold(.seconds(25))) == [.batchLane] && reasons(trafficClass: 1, wait: .job(wait: nil)).isEmpty)
    }
}
