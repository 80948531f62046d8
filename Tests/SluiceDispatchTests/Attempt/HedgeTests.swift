import SluiceCore
import SluiceDispatch
import Testing

/// What the machine makes of a second attempt beside a slow one.
@Suite struct HedgeTests {
    private let start = MonotonicInstant(nanoseconds: 0)

    /// A machine whose first attempt is under way, over so many backends.
    private func machine(backends: Int = 3, retryAmbiguous: Int = 0, change: (inout Route) -> Void = { _ in }) -> AttemptMachine {
        let policy = TestPolicy.make(backends: backends)
        let request = InferenceRequest(endpoint: .chat, tenant: "default", model: "chat")
        let decision = Decision(route: 0, trafficClass: 0, requested: 0, budget: LatencyBudget())
        var route = RoutePlanner(policy: policy)
            .plan(request, decision, at: Now(wall: Timestamp(milliseconds: 0), monotonic: self.start), chance: 0) { _ in BackendCondition() }
        change(&route)
        var machine = AttemptMachine(
            route: route, policy: policy,
            terms: .init(retryAmbiguous: retryAmbiguous, patience: .seconds(10), arrived: self.start, deadline: nil, dialect: .openai))
        _ = machine.start(at: self.start)
        _ = machine.admission(.admitted, at: self.start)
        return machine
    }

    /// One whose first attempt has a second one beside it.
    private func hedged(retryAmbiguous: Int = 0) -> AttemptMachine {
        var machine = self.machine(retryAmbiguous: retryAmbiguous)
        _ = machine.hedge()
        _ = machine.admission(.admitted, at: self.start)
        return machine
    }

    private func asked(_ action: AttemptMachine.Action?) -> Int? {
        if case .ask(let candidate, isLastResort: false)? = action { candidate.backend } else { nil }
    }

    private func carriesOn(_ action: AttemptMachine.Action) -> Bool {
        if case .carryOn = action { true } else { false }
    }

    @Test func theNextBackendIsAskedAsWell() throws {
        var machine = self.machine()
        #expect(self.asked(machine.hedge()) == 1)
        guard case .send(let candidate, attempt: 2) = machine.admission(.admitted, at: self.start) else {
            Issue.record("not sent")
            return
        }
        #expect(candidate.backend == 1 && machine.underWay == 2)
    }

    @Test(arguments: [BackendRecord.Admission.busy(nil), .busy(.seconds(1)), .down(until: nil)])
    func nobodyIsWaitedForAndNobodyIsALastResort(_ admission: BackendRecord.Admission) {
        var machine = self.machine()
        #expect(self.asked(machine.hedge()) == 1)
        #expect(self.asked(machine.admission(admission, at: self.start)) == 2)
        #expect(self.carriesOn(machine.admission(admission, at: self.start)))
        #expect(machine.attemptCount == 1 && machine.underWay == 1)
        #expect(self.asked(machine.hedge()) == 1, "later there may be room")
    }

    @Test func aBackendThatIsExpectedToBeSlowIsNoHelp() {
        var machine = self.machine { for index in 1..<3 { $0.candidates[index].isTooSlow = true } }
        #expect(machine.hedge() == nil)
    }

    @Test func thereIsNeverAThirdBesideTwo() {
        var machine = self.hedged()
        #expect(machine.hedge() == nil)
    }

    @Test func nothingIsHedgedOnceItIsCommitted() {
        var machine = self.machine()
        machine.committed()
        #expect(machine.hedge() == nil)
    }

    @Test func oneFailureOfTwoIsNoEnd() {
        var machine = self.hedged()
        #expect(self.carriesOn(machine.failed(.answered(status: 503), attempt: 1, at: self.start) { true }))
        #expect(self.asked(machine.failed(.answered(status: 503), attempt: 2, at: self.start) { true }) == 2)
    }

    @Test func allAttemptsTogetherAreThree() {
        var machine = self.machine(backends: 5)
        for failed in 1...2 {
            #expect(machine.hedge() != nil)
            _ = machine.admission(.admitted, at: self.start)
            #expect(self.carriesOn(machine.failed(.answered(status: 503), attempt: failed, at: self.start) { true }))
        }
        #expect(machine.hedge() == nil && machine.attemptCount == 3)
    }

    @Test(arguments: [AttemptMachine.Failure.ambiguous(isTimeout: false), .answered(status: 422)], [1, 2])
    func whatForbidsAnotherAttemptForbidsItForBoth(_ failure: AttemptMachine.Failure, _ first: Int) {
        var machine = self.hedged()
        #expect(self.carriesOn(machine.failed(failure, attempt: first, at: self.start) { true }))
        let end = machine.failed(.notSent, attempt: 3 - first, at: self.start) { true }
        switch (end, failure) {
        case (.passOn(let attempt), .answered): #expect(attempt == first)
        case (.refuse(let refusal), .ambiguous): #expect(refusal.status == 502 && refusal.message.contains("not asked again"))
        default: Issue.record("\(end)")
        }
    }

    @Test func aServerErrorOfEachIsOneTooMany() {
        var machine = self.hedged()
        #expect(self.carriesOn(machine.failed(.answered(status: 500), attempt: 2, at: self.start) { true }))
        guard case .refuse = machine.failed(.answered(status: 500), attempt: 1, at: self.start, takeRetry: { true }) else {
            Issue.record("a third attempt after two 500")
            return
        }
    }

    @Test func aSecondAttemptThatCouldNotBeMadeLeavesTheFirst() {
        var machine = self.hedged()
        machine.withdrew()
        #expect(machine.underWay == 1)
        #expect(self.asked(machine.failed(.notSent, attempt: 1, at: self.start) { true }) == 2)
    }

    @Test func theShareOfTheClassIsKept() {
        var budget = HedgeBudget()
        var taken = 0
        for _ in 0..<1000 {
            budget.noteRequest(share: PriceFactor(millionths: 50_000))
            if budget.take() { taken += 1 }
        }
        #expect(taken == 50)
        for _ in 0..<1000 { budget.noteRequest(share: .one) }
        taken = 0
        while budget.take() { taken += 1 }
        #expect(taken == 10, "what is saved up is bounded")
    }
}
