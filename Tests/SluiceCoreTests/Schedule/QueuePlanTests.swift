import SluiceCore
import Testing

/// Backend 0 is cheap and small, backend 1 dear and large.
@Suite struct QueuePlanTests {
    private let demands = Demands()

    private func plan(_ queue: [QueueDemand], cheap: Double = 100, dear: Double = 1e6) -> QueuePlan {
        QueuePlan(queue, supplies: [self.demands.supply(cheap), self.demands.supply(dear)], over: self.demands.horizon)
    }

    private var both: [LaneRoute] { [self.demands.route(0, 10), self.demands.route(1, 100)] }

    @Test func whatFitsIsLeftToTheCheapBackend() {
        // A job a second gets through: 3,600 are due in an hour and a half.
        let plan = self.plan([self.demands.jobs(3600, due: 5400, self.both)])
        let place = Demands.place("a", due: 5400)
        #expect(plan.allowance(place, at: 10) == 3600 && plan.allowance(place, at: 100) == 0)
    }

    @Test func onlyTheOverflowMayLeaveForTheDearOne() {
        let plan = self.plan([self.demands.jobs(3600, due: 1801, self.both)])
        let overflow = plan.allowance(Demands.place("a", due: 1801), at: 100)
        #expect((1795...1805).contains(overflow), "\(overflow)")
    }

    @Test func urgentWorkTakesTheRoomOfPatientWork() {
        let urgent = self.demands.jobs(1800, in: "urgent", due: 1801, self.both)
        let patient = self.demands.jobs(1800, in: "patient", due: 3601, self.both)
        let plan = self.plan([patient, urgent])
        #expect(plan.allowance(urgent.place, at: 100) == 0 && plan.allowance(patient.place, at: 100) == 0)
    }

    @Test func whoLosesTheMostKeepsTheCheapRoom() {
        let loses = self.demands.jobs(1800, in: "loses", due: 1801, [self.demands.route(0, 10), self.demands.route(1, 1000)])
        let little = self.demands.jobs(1800, in: "little", due: 1801, [self.demands.route(0, 10), self.demands.route(1, 20)])
        let plan = self.plan([little, loses])
        #expect(plan.allowance(loses.place, at: 1000) == 0)
        #expect(plan.allowance(little.place, at: 20) == 1800)
    }

    @Test func overflowWaitsForTheCheapestHourThatIsLeft() {
        let routes = [self.demands.route(1, 100, then: 50, from: 7200)]
        let plan = self.plan([self.demands.jobs(100, due: 20_000, routes), self.demands.jobs(100, due: 3600, routes)])
        #expect(plan.allowance(Demands.place("a", due: 20_000), at: 100) == 0)
        #expect(plan.allowance(Demands.place("a", due: 3600), at: 100) == 100)
    }

    @Test func atOnePriceEverythingMayGoAtOnce() {
        let plan = self.plan([self.demands.jobs(500, due: 86_400, [self.demands.route(1, 100)])])
        #expect(plan.allowance(Demands.place("a", due: 86_400), at: 100) == 500)
    }

    @Test func whatCannotBeInTimeMayGoAnywhere() {
        let plan = self.plan([self.demands.jobs(1000, due: 100, self.both)], cheap: 1, dear: 1)
        #expect(plan.allowance(Demands.place("a", due: 100), at: 100) >= 997)
    }

    @Test func workWithoutADeadlineTakesOnlyWhatIsCheapest() {
        let plan = self.plan([self.demands.jobs(10, due: nil, self.both), self.demands.jobs(1_000_000, due: 86_400, self.both)])
        #expect(plan.allowance(Demands.place("a", due: nil), at: 10) == 10 && plan.allowance(Demands.place("a", due: nil), at: 100) == 0)
    }

    @Test func promotionBeginsBeforeTheNamedTimeWhereThatWouldBeTooLate() {
        // The lane that work is promoted to gets through ten jobs in a hundred seconds, and twenty are due then.
        let routes = [self.demands.route(1, 1000, isPromotion: true)]
        let late = QueuePlan(
            [self.demands.jobs(20, due: 100, routes)], supplies: [self.demands.supply(0), self.demands.supply(10)], over: self.demands.horizon)
        #expect(late.promotions(Demands.place("a", due: 100)) > 0)
        let early = QueuePlan(
            [self.demands.jobs(20, due: 1000, routes)], supplies: [self.demands.supply(0), self.demands.supply(10)], over: self.demands.horizon)
        #expect(early.promotions(Demands.place("a", due: 1000)) == 0)
    }

    @Test func nobodyIsPromotedEarlyWhereThereIsRoomLater() {
        let routes = [self.demands.route(1, 1000, isPromotion: true)]
        for seconds in [5, 8, 12, 60, 3600] {
            let plan = QueuePlan(
                [self.demands.jobs(1, due: seconds, routes)], supplies: [self.demands.supply(0), self.demands.supply(1e4)], over: self.demands.horizon)
            #expect(plan.promotions(Demands.place("a", due: seconds)) == 0, "due in \(seconds) s")
        }
    }

    @Test func whatHasLeftIsNotAllowedAgain() {
        var plan = self.plan([self.demands.jobs(3600, due: 1801, self.both)])
        let place = Demands.place("a", due: 1801)
        let overflow = plan.allowance(place, at: 100)
        plan.take(overflow, from: place, at: 100)
        #expect(plan.allowance(place, at: 100) <= 1 && plan.jobs(at: place) == 3600 - overflow)
        plan.take(100, from: place, at: 10)
        #expect(plan.allowance(place, at: 100) <= 1)
    }

    @Test func expectedWorkTakesItsRoom() {
        let coming = QueueDemand(
            place: Demands.place("urgent", due: 1801), jobs: 1, tokens: 180_000, routes: self.both, opening: SamplePolicy.noon + .seconds(60))
        let queue = [self.demands.jobs(1800, due: 1860, self.both)]
        let alone = self.plan(queue)
        let beside = QueuePlan(queue, expected: [coming], supplies: [self.demands.supply(100), self.demands.supply(1e6)], over: self.demands.horizon)
        #expect(alone.allowance(queue[0].place, at: 100) == 0 && beside.allowance(queue[0].place, at: 100) > 1500)
    }

    // MARK: Quotes

    @Test func aQuoteNamesTheTimeWhenAllThatIsAsUrgentIsDone() throws {
        let plan = self.plan([self.demands.jobs(600, in: "before", due: 7200, self.both), self.demands.jobs(9000, in: "after", due: 80_000, self.both)])
        let prospect = plan.prospect(of: self.demands.jobs(300, in: "new", due: 8000, self.both))
        let finish = try #require(prospect.finish)
        #expect(abs((finish - SamplePolicy.noon).milliseconds - 900_500) < 2000)
        #expect(prospect.parts.allSatisfy { $0.backend == 0 } && prospect.risk < 0.05)
    }

    @Test func aQuoteSaysWhatPartGoesToTheDearBackend() {
        let prospect = self.plan([]).prospect(of: self.demands.jobs(200, due: 101, self.both))
        let dear = prospect.parts.filter { $0.backend == 1 }.reduce(0) { $0 + $1.share }
        #expect(abs(dear - 0.5) < 0.05)
    }

    @Test func aQuoteIsHonestAboutWorkThatCannotBeInTime() {
        let prospect = self.plan([], cheap: 1, dear: 1).prospect(of: self.demands.jobs(1000, due: 600, self.both))
        #expect(prospect.risk > 0.9)
    }

    @Test func aQuoteForWorkThatNothingServesHasNoTime() {
        let prospect = self.plan([]).prospect(of: self.demands.jobs(1, due: 600, []))
        #expect(prospect.finish == nil && prospect.risk == 1)
    }
}
