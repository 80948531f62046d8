import SluiceCore
import Testing

@Suite struct RoutePlannerTests {
    private func request(_ change: (inout InferenceRequest) -> Void = { _ in }) -> InferenceRequest {
        var request = InferenceRequest(endpoint: .chat, tenant: "default", model: "chat")
        request.inputTokens = 1000
        request.maxTokens = 1000
        change(&request)
        return request
    }

    private func plan(
        _ sample: SamplePolicy, _ request: InferenceRequest? = nil, budget: Duration? = nil, chance: Double = 0, trafficClass: Int = 0,
        decide: (inout Decision) -> Void = { _ in }, prefix: UInt64? = nil, condition: (Int) -> BackendCondition = { _ in BackendCondition() }
    ) -> Route {
        var decision = Decision(route: 0, trafficClass: trafficClass, requested: 0, budget: LatencyBudget(firstToken: budget))
        decide(&decision)
        return RoutePlanner(policy: sample.policy).plan(
            request ?? self.request(), decision, at: SamplePolicy.now(), chance: chance, prefix: { _ in prefix }, condition: condition)
    }

    /// Conditions by the backend's index.
    private func conditions(_ changes: [(inout BackendCondition) -> Void]) -> (Int) -> BackendCondition {
        { index in
            var condition = BackendCondition()
            changes[index](&condition)
            return condition
        }
    }

    private func picking(_ pick: Pool.Pick, prices: [String?] = ["3", "1", "2"], _ change: (inout Pool) -> Void = { _ in }) -> SamplePolicy {
        var sample = SamplePolicy(prices: prices)
        sample.parts.pools[0].pick = pick
        change(&sample.parts.pools[0])
        return sample
    }

    // MARK: Picks

    @Test func inOrderIsTheOrderOfThePolicy() {
        #expect(self.plan(self.picking(.inOrder)).candidates.map(\.backend) == [0, 1, 2])
    }

    @Test func cheapestComesFirstAndWithoutAPriceLast() {
        let route = self.plan(self.picking(.cheapest, prices: ["3", nil, "2", "2"]))
        #expect(route.candidates.map(\.backend) == [2, 3, 0, 1])
        #expect(route.candidates.map { $0.estimatedCost?.description } == ["0.004", "0.004", "0.006", nil])
    }

    @Test func fastestIsByThePredictedFirstToken() {
        let route = self.plan(
            self.picking(.fastest),
            condition: self.conditions([{ $0.firstToken = .milliseconds(300) }, { $0.firstToken = .milliseconds(100) }, { $0.firstToken = .milliseconds(200) }])
        )
        #expect(route.candidates.map(\.backend) == [1, 2, 0])
    }

    @Test func whatIsNotKnownYetIsTriedFirst() {
        let route = self.plan(
            self.picking(.fastest), condition: self.conditions([{ $0.firstToken = .milliseconds(300) }, { _ in }, { $0.firstToken = .milliseconds(200) }]))
        #expect(route.candidates.first?.backend == 1)
    }

    @Test func leastBusyIsByTheShareOfTheLimit() {
        let route = self.plan(
            self.picking(.leastBusy),
            condition: self.conditions([
                {
                    $0.inFlight = 4
                    $0.limit = 8
                },
                {
                    $0.inFlight = 3
                    $0.limit = 4
                },
                {
                    $0.inFlight = 9
                    $0.limit = 100
                },
            ]))
        #expect(route.candidates.map(\.backend) == [2, 0, 1])
    }

    @Test func weightsAreKeptOverManyDraws() {
        let sample = self.picking(.weighted) { $0.weights = [1, 3, 6] }
        var firsts = [0, 0, 0]
        for draw in 0..<1000 {
            let route = self.plan(sample, chance: (Double(draw) + 0.5) / 1000)
            firsts[route.candidates[0].backend] += 1
            #expect(Set(route.candidates.map(\.backend)) == [0, 1, 2])
        }
        #expect(firsts == [100, 300, 600])
    }

    @Test func aWeightOfNoneGetsNothingButFailovers() {
        let sample = self.picking(.weighted) { $0.weights = [0, 1, 1] }
        for draw in 0..<100 { #expect(self.plan(sample, chance: Double(draw) / 100).candidates.map(\.backend).firstIndex(of: 0) == 2) }
    }

    // MARK: Affinity

    @Test func theSamePrefixGoesToTheSameBackendAndPrefixesSpread() {
        let sample = self.picking(.leastBusy) { $0.affinity = Pool.Affinity(tokens: 256, spill: PriceFactor(millionths: 1_250_000)) }
        var homes: [Int: Int] = [:]
        for prefix in UInt64(1)...300 {
            let home = self.plan(sample, prefix: prefix).candidates[0].backend
            #expect(self.plan(sample, prefix: prefix).candidates[0].backend == home)
            homes[home, default: 0] += 1
        }
        #expect(homes.values.allSatisfy { $0 > 60 } && homes.count == 3)
    }

    @Test func aHomeThatHoldsMoreThanItsShareSpills() {
        let sample = self.picking(.leastBusy) { $0.affinity = Pool.Affinity(tokens: 256, spill: PriceFactor(millionths: 1_250_000)) }
        let home = self.plan(sample, prefix: 7).candidates[0].backend
        let route = self.plan(
            sample, prefix: 7,
            condition: { index in
                var condition = BackendCondition()
                condition.inFlight = index == home ? 10 : 2
                return condition
            })
        #expect(route.candidates[0].backend != home && route.candidates[0].isHome)
    }

    @Test func aHomeMayHoldSoManyTimesTheMean() {
        let sample = self.picking(.inOrder) { $0.affinity = Pool.Affinity(tokens: 256, spill: PriceFactor(millionths: 1_250_000)) }
        let home = self.plan(sample, prefix: 7).candidates[0].backend
        func first(holding count: Int, limit: Int? = nil) -> Int {
            self.plan(
                sample, prefix: 7,
                condition: { index in
                    var condition = BackendCondition()
                    (condition.inFlight, condition.limit) = index == home ? (count, limit) : (20, nil)
                    return condition
                }
            ).candidates[0].backend
        }
        // ⌈(41 + count) / 3 × 1.25⌉ is the bound: 28 for 26.
        #expect(first(holding: 20) == home && first(holding: 28) == home && first(holding: 32) != home)
        #expect(first(holding: 20, limit: 20) != home)
    }

    @Test func aPrefixThatNobodyKnowsChangesNothing() {
        let sample = self.picking(.inOrder) { $0.affinity = Pool.Affinity(tokens: 256, spill: PriceFactor(millionths: 1_250_000)) }
        let route = self.plan(sample)
        #expect(route.candidates.map(\.backend) == [0, 1, 2] && !route.candidates.contains(where: \.isHome))
    }

    @Test func otherBackendsMayComeAndGoWithoutMovingAHome() {
        var sample = self.picking(.inOrder) { $0.affinity = Pool.Affinity(tokens: 256, spill: PriceFactor(millionths: 1_250_000)) }
        let before = (UInt64(1)...200).map { self.plan(sample, prefix: $0).candidates[0].backend }
        sample.parts.pools[0].backends.removeFirst()
        for prefix in UInt64(1)...200 where before[Int(prefix) - 1] != 0 {
            #expect(self.plan(sample, prefix: prefix).candidates[0].backend == before[Int(prefix) - 1])
        }
    }

    // MARK: Latency budgets

    @Test func whoIsExpectedTooLateComesLast() {
        let route = self.plan(
            self.picking(.inOrder), budget: .milliseconds(250),
            condition: self.conditions([{ $0.firstToken = .milliseconds(300) }, { $0.firstToken = .milliseconds(100) }, { _ in }]))
        #expect(route.candidates.map(\.backend) == [1, 2, 0])
        #expect(route.candidates.map(\.isTooSlow) == [false, false, true])
    }

    @Test func aSecondPoolThatKeepsTheBudgetComesBeforeASlowFirstOne() {
        var sample = SamplePolicy(prices: ["1", "2"])
        sample.parts.pools[0].backends = [0]
        let second = sample.addPool([1])
        sample.parts.classes[0].pools = [0, second]
        let route = self.plan(sample, budget: .milliseconds(250), condition: self.conditions([{ $0.firstToken = .seconds(1) }, { _ in }]))
        #expect(route.candidates.map(\.pool) == [second, 0])
    }

    @Test func aBackendStandsInARouteOnce() {
        var sample = SamplePolicy(prices: ["1", "2"])
        let second = sample.addPool([1, 0])
        sample.parts.classes[0].pools = [0, second]
        let down = self.conditions([{ _ in }, { $0.availability = .down(until: nil) }])
        #expect(self.plan(sample).candidates.map(\.backend) == [0, 1])
        let route = self.plan(sample, condition: down)
        #expect(route.candidates.map(\.backend) == [0] && route.down.map(\.backend) == [1])
    }

    // MARK: Deferred work

    @Test func patientWorkGoesToTheCheapestOfAllPools() {
        var sample = SamplePolicy(prices: ["3", "2", "1", "2"])
        sample.parts.pools[0].backends = [0, 1]
        let second = sample.addPool([2, 3])
        let batch = sample.addClass("batch", .later, pools: [0, second])
        #expect(self.plan(sample, trafficClass: batch).candidates.map(\.backend) == [2, 1, 3, 0])
    }

    // MARK: What is passed over

    @Test func tellsWhyABackendIsPassedOver() {
        var sample = SamplePolicy(prices: ["1", "1", "1", nil, "900", "1"])
        sample.parts.rejectsUnpriced = true
        var offers: [Model.Offer?] = sample.parts.models[0].offers
        offers[0] = nil
        offers[2]?.context = 500
        sample.parts.models[0] = Model(index: 0, name: "chat", offers: offers)
        sample.parts.backends[1].endpoints = [.embeddings]
        sample.parts.backends[5].closed = .not(.any([]))
        let route = self.plan(sample, decide: { $0.maxCost = Money("0.1") })
        let limit = Money("0.1") ?? .zero
        #expect(
            route.passedOver.map(\.reason) == [.model("chat"), .endpoint(.chat), .contextTooShort(500), .unpriced, .tooDear(limit), .closed(.not(.any([])))])
        #expect(route.candidates.isEmpty)
    }

    @Test func isTooDearOnlyWhereNothingElseIsLeft() {
        let dear = self.plan(SamplePolicy(prices: ["900"]), decide: { $0.maxCost = Money("0.1") })
        #expect(dear.isTooDear)
        let other = self.plan(SamplePolicy(prices: ["900", "1"]), decide: { $0.maxCost = Money("0.1") })
        #expect(!other.isTooDear && other.candidates.map(\.backend) == [1])
    }

    @Test func aBackendThatIsDownIsALastResort() {
        let route = self.plan(
            self.picking(.inOrder), condition: self.conditions([{ $0.availability = .down(until: SamplePolicy.instant(5)) }, { _ in }, { _ in }]))
        #expect(route.candidates.map(\.backend) == [1, 2] && route.down.map(\.backend) == [0])
    }

    @Test func theEstimateCountsEveryChoiceAndNoOutputWhereThereIsNone() {
        let sample = SamplePolicy(prices: ["1"])
        func cost(_ change: (inout InferenceRequest) -> Void) -> String? {
            self.plan(sample, self.request(change)).candidates.first?.estimatedCost?.description
        }
        #expect(cost { _ in } == "0.002")
        #expect(cost { $0.choices = 3 } == "0.004")
        #expect(cost { $0.maxTokens = nil } == "0.001256")
        #expect(cost { $0.endpoint = .embeddings } == "0.001")
    }

    // MARK: Spill

    /// Two backends of its own first, then one behind them.
    private func spilling(_ wait: Duration = .milliseconds(700)) -> SamplePolicy {
        var sample = SamplePolicy(prices: ["1", "1", "3"])
        sample.parts.pools[0].backends = [0, 1]
        var last = sample.parts.pools[0]
        last = Pool(index: sample.parts.pools.count, name: "behind", backends: [2])
        sample.parts.pools.append(last)
        sample.parts.classes[0].pools = [0, last.index]
        sample.parts.classes[0].spill = TrafficClass.Spill(whenWait: wait, maxSpendPerDay: nil)
        return sample
    }

    private func full(_ slotTime: Duration, waiting: Int = 0) -> (inout BackendCondition) -> Void {
        { condition in
            condition.limit = 2
            condition.inFlight = 2
            condition.waiting = waiting
            condition.slotTime = slotTime
        }
    }

    @Test func theFirstPoolIsLeftOnceTheWaitAtEachOfItsBackendsIsTooLong() {
        let route = self.plan(self.spilling(), condition: self.conditions([self.full(.seconds(2)), self.full(.seconds(3)), { _ in }]))
        #expect(route.candidates.map(\.backend) == [2, 0, 1])
        #expect(route.spill?.pool == 0)
        #expect(route.spill?.whenWait == .milliseconds(700))
    }

    @Test func theFirstPoolStaysFirstWhereOneOfItsBackendsHasRoomOrSoonHas() {
        let room = self.plan(self.spilling(), condition: self.conditions([self.full(.seconds(2)), { _ in }, { _ in }]))
        #expect(room.candidates.map(\.backend) == [0, 1, 2])
        let soon = self.plan(self.spilling(), condition: self.conditions([self.full(.seconds(9)), self.full(.seconds(1)), { _ in }]))
        #expect(soon.candidates.map(\.backend) == [0, 1, 2])
    }

    @Test func aLineMakesTheWaitLonger() {
        let route = self.plan(
            self.spilling(), condition: self.conditions([self.full(.seconds(1), waiting: 3), self.full(.seconds(1), waiting: 3), { _ in }]))
        #expect(route.candidates.first?.backend == 2)
    }
}
