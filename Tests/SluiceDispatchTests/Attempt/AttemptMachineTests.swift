import SluiceCore
import SluiceDispatch
import Testing

@Suite struct AttemptMachineTests {
    private let start = MonotonicInstant(nanoseconds: 0)

    /// A policy with one pool of so many backends, all serving one model.
    private func policy(backends: Int, retry: Int = 3, failover: Pool.Failover = .all) -> PolicySet {
        var parts = PolicySet.Parts()
        parts.backends = (0..<backends).map { Backend(index: $0, name: "b\($0)", api: .openai) }
        var pool = Pool(index: 0, name: "main", backends: Array(0..<backends))
        pool.retry = retry
        pool.failover = failover
        parts.pools = [pool]
        parts.tenants = [Tenant(index: 0, name: "default")]
        parts.models = [Model(index: 0, name: "chat", offers: (0..<backends).map { _ in Model.Offer(name: "m") })]
        parts.classes = [TrafficClass(index: 0, name: "live", serve: .now, pools: [0])]
        return PolicySet(parts)
    }

    private func machine(_ policy: PolicySet, retryAmbiguous: Int = 0, patience: Duration = .seconds(10), dialect: Endpoint.Dialect = .openai) -> AttemptMachine
    {
        let request = InferenceRequest(endpoint: .chat, tenant: "default", model: "chat")
        let decision = Decision(route: 0, trafficClass: 0, requested: 0, budget: LatencyBudget())
        let now = Now(wall: Timestamp(milliseconds: 0), monotonic: self.start)
        let route = RoutePlanner(policy: policy).plan(request, decision, at: now, chance: 0) { _ in BackendCondition() }
        return AttemptMachine(
            route: route, policy: policy,
            terms: AttemptMachine.Terms(retryAmbiguous: retryAmbiguous, patience: patience, arrived: self.start, deadline: nil, dialect: dialect))
    }

    /// A class that waits 700 ms for its first pool, backend 0, and then goes to backend 1.
    private func spilling(patience: Duration = .seconds(10), condition: (Int) -> BackendCondition = { _ in BackendCondition() }) -> AttemptMachine {
        var parts = PolicySet.Parts()
        parts.backends = (0..<2).map { Backend(index: $0, name: "b\($0)", api: .openai) }
        parts.pools = (0..<2).map { Pool(index: $0, name: "p\($0)", backends: [$0]) }
        parts.tenants = [Tenant(index: 0, name: "default")]
        parts.models = [Model(index: 0, name: "chat", offers: (0..<2).map { _ in Model.Offer(name: "m") })]
        parts.classes = [TrafficClass(index: 0, name: "live", serve: .now, pools: [0, 1])]
        parts.classes[0].spill = TrafficClass.Spill(whenWait: .milliseconds(700), maxSpendPerDay: nil)
        let policy = PolicySet(parts)
        let route = RoutePlanner(policy: policy).plan(
            InferenceRequest(endpoint: .chat, tenant: "default", model: "chat"),
            Decision(route: 0, trafficClass: 0, requested: 0, budget: LatencyBudget()),
            at: Now(wall: Timestamp(milliseconds: 0), monotonic: self.start), chance: 0, condition: condition)
        return AttemptMachine(
            route: route, policy: policy,
            terms: AttemptMachine.Terms(retryAmbiguous: 0, patience: patience, arrived: self.start, deadline: nil, dialect: .openai))
    }

    private func asked(_ action: AttemptMachine.Action?) -> Int? {
        if case .ask(let candidate, _) = action { candidate.backend } else { nil }
    }

    @Test func aBusyFirstPoolIsWaitedForAsLongAsSpillSaysAndThenLeft() throws {
        var machine = self.spilling()
        #expect(self.asked(machine.start(at: self.start)) == 0)
        guard case .wait(let until) = machine.admission(.busy(nil), at: self.start) else { throw Unexpected(action: "no wait") }
        #expect(until == self.start + .milliseconds(700))
        #expect(machine.waitingFor.map(\.backend) == [0])
        let again = machine.waitedLongEnough(at: until)
        #expect(self.asked(again) == 0)
        #expect(self.asked(machine.admission(.busy(nil), at: until)) == 1)
    }

    @Test func aFirstPoolWhoseRoomComesTooLateIsLeftAtOnce() {
        var machine = self.spilling()
        _ = machine.start(at: self.start)
        let again = machine.admission(.full(.seconds(2)), at: self.start)
        #expect(self.asked(again) == 0)
        #expect(self.asked(machine.admission(.full(.seconds(2)), at: self.start)) == 1)
    }

    @Test func aFirstPoolThatIsDownOrFailsIsLeftAtOnce() throws {
        var down = self.spilling()
        _ = down.start(at: self.start)
        var next = down.admission(.down(until: nil), at: self.start)
        if self.asked(next) == 0 { next = down.admission(.down(until: nil), at: self.start) }
        #expect(self.asked(next) == 1)
        var failing = self.spilling()
        let first = failing.start(at: self.start)
        #expect(try self.admitted(&failing, first) == 0)
        #expect(self.asked(failing.failed(.answered(status: 503), attempt: 1, at: self.start) { true }) == 1)
    }

    @Test func beyondWhatMayBeSpentTheFirstPoolIsWaitedFor() throws {
        var machine = self.spilling { index in
            var condition = BackendCondition()
            guard index == 0 else { return condition }
            (condition.limit, condition.inFlight, condition.slotTime) = (1, 1, .seconds(5))
            return condition
        }
        #expect(self.asked(machine.start(at: self.start)) == 1)
        let budget = Budget(index: 0, name: "spill of live", scope: .beyond(pool: "p0", trafficClass: "live"), limit: .zero, period: .day, thresholds: [])
        #expect(self.asked(machine.unaffordable(budget, at: self.start)) == 0)
        guard case .wait(let until) = machine.admission(.busy(nil), at: self.start) else { throw Unexpected(action: "no wait") }
        #expect(until == self.start + .seconds(10))
        #expect(machine.waitingFor.map(\.backend) == [0])
    }

    /// Admits until an attempt is to be sent; gives the backend.
    private func admitted(_ machine: inout AttemptMachine, _ first: AttemptMachine.Action) throws -> Int {
        var action = first
        while case .ask = action { action = machine.admission(.admitted, at: self.start) }
        guard case .send(let candidate, _) = action else { throw Unexpected(action: "\(action)") }
        return candidate.backend
    }

    private struct Unexpected: Error {
        var action: String
    }

    @Test(arguments: [
        AttemptMachine.Failure.notSent, .answered(status: 429), .answered(status: 500), .answered(status: 503), .answered(status: 529), .answered(status: 401),
    ])
    func failuresBeforeAnyContentGoToTheNextBackend(_ failure: AttemptMachine.Failure) throws {
        var machine = self.machine(self.policy(backends: 2))
        let first = machine.start(at: self.start)
        #expect(try self.admitted(&machine, first) == 0)
        let next = machine.failed(failure, attempt: machine.attemptCount, at: self.start) { true }
        #expect(try self.admitted(&machine, next) == 1)
    }

    @Test func whatMayHaveBeenCarriedOutIsNotSentTwiceForALiveClass() throws {
        var machine = self.machine(self.policy(backends: 2))
        let first = machine.start(at: self.start)
        _ = try self.admitted(&machine, first)
        guard case .refuse(let refusal) = machine.failed(.ambiguous(isTimeout: false), attempt: machine.attemptCount, at: self.start, takeRetry: { true })
        else {
            Issue.record("an ambiguous attempt was repeated")
            return
        }
        #expect(refusal.status == 502 && refusal.code == .upstreamFailed)
    }

    @Test func whatMayHaveBeenCarriedOutIsSentAgainAsOftenAsTheClassSays() throws {
        var machine = self.machine(self.policy(backends: 3), retryAmbiguous: 1)
        let first = machine.start(at: self.start)
        _ = try self.admitted(&machine, first)
        let second = machine.failed(.ambiguous(isTimeout: false), attempt: machine.attemptCount, at: self.start) { true }
        #expect(try self.admitted(&machine, second) == 1)
        guard case .refuse = machine.failed(.ambiguous(isTimeout: false), attempt: machine.attemptCount, at: self.start, takeRetry: { true }) else {
            Issue.record("an ambiguous attempt was repeated twice")
            return
        }
    }

    @Test func aBackendsOwnRefusalOfTheRequestIsPassedOn() throws {
        var machine = self.machine(self.policy(backends: 2))
        let first = machine.start(at: self.start)
        _ = try self.admitted(&machine, first)
        guard case .passOn(let attempt) = machine.failed(.answered(status: 422), attempt: machine.attemptCount, at: self.start, takeRetry: { true }) else {
            Issue.record("a 422 was not passed on")
            return
        }
        #expect(attempt == 1)
    }

    @Test func theLastRateLimitIsPassedOnWhenEveryAttemptFailed() throws {
        var machine = self.machine(self.policy(backends: 2))
        let first = machine.start(at: self.start)
        _ = try self.admitted(&machine, first)
        let second = machine.failed(.answered(status: 429), attempt: machine.attemptCount, at: self.start) { true }
        _ = try self.admitted(&machine, second)
        guard case .passOn(let attempt) = machine.failed(.answered(status: 500), attempt: machine.attemptCount, at: self.start, takeRetry: { true }) else {
            Issue.record("the 429 was not passed on")
            return
        }
        #expect(attempt == 1)
    }

    @Test func noMoreThanThreeAttemptsAreMade() throws {
        var machine = self.machine(self.policy(backends: 5, retry: 5))
        var action = machine.start(at: self.start)
        var sent = 0
        while true {
            switch action {
            case .ask: action = machine.admission(.admitted, at: self.start)
            case .send:
                sent += 1
                action = machine.failed(.answered(status: 503), attempt: machine.attemptCount, at: self.start) { true }
            case .wait, .refuse, .passOn, .carryOn:
                #expect(sent == 3)
                return
            }
        }
    }

    @Test func anEmptyRetryBudgetEndsTheTrying() throws {
        var machine = self.machine(self.policy(backends: 2))
        let first = machine.start(at: self.start)
        _ = try self.admitted(&machine, first)
        guard case .refuse = machine.failed(.answered(status: 503), attempt: machine.attemptCount, at: self.start, takeRetry: { false }) else {
            Issue.record("a retry was made without a token")
            return
        }
    }

    @Test func aRefusedConnectionCostsNothingOfTheRetryBudget() throws {
        var machine = self.machine(self.policy(backends: 2))
        let first = machine.start(at: self.start)
        _ = try self.admitted(&machine, first)
        let next = machine.failed(.notSent, attempt: machine.attemptCount, at: self.start) { false }
        #expect(try self.admitted(&machine, next) == 1)
    }

    @Test func busyBackendsAreWaitedForAndThenGivenUp() {
        var machine = self.machine(self.policy(backends: 2), patience: .seconds(2))
        _ = machine.start(at: self.start)
        _ = machine.admission(.busy(nil), at: self.start)
        guard case .wait(let until) = machine.admission(.busy(nil), at: self.start) else {
            Issue.record("busy backends were not waited for")
            return
        }
        #expect(until == self.start + .seconds(2))
        guard case .refuse(let refusal)? = machine.waitedLongEnough(at: until) else {
            Issue.record("the wait did not end")
            return
        }
        #expect(refusal.status == 429 && refusal.code == .overloaded && refusal.retryAfter != nil)
    }

    @Test func aRateLimitThatOpensTooLateIsToldAtOnce() {
        var machine = self.machine(self.policy(backends: 1), patience: .seconds(10))
        _ = machine.start(at: self.start)
        guard case .refuse(let refusal) = machine.admission(.busy(.seconds(41)), at: self.start) else {
            Issue.record("the request waits for a limit that opens too late")
            return
        }
        #expect(refusal.retryAfterSeconds == 41)
    }

    @Test func backendsThatAreDownAreALastResortAndThen503() {
        var machine = self.machine(self.policy(backends: 1))
        guard case .ask(_, isLastResort: false) = machine.start(at: self.start),
            case .ask(_, isLastResort: true) = machine.admission(.down(until: self.start + .seconds(4)), at: self.start),
            case .refuse(let refusal) = machine.admission(.down(until: self.start + .seconds(4)), at: self.start)
        else {
            Issue.record("no last resort, or no end of it")
            return
        }
        #expect(refusal.status == 503 && refusal.code == .noBackend && refusal.retryAfterSeconds == 4)
    }

    /// Both backends were down when they were asked, the first as a last resort then had no room, and the wait for it went to the second.
    @Test func aLastResortIsNotWhereAnAttemptWasMadeMeanwhile() throws {
        var machine = self.machine(self.policy(backends: 2))
        let later = self.start + .seconds(4)
        _ = machine.start(at: self.start)
        _ = machine.admission(.down(until: later), at: self.start)
        _ = machine.admission(.down(until: later), at: self.start)
        guard case .wait = machine.admission(.busy(nil), at: self.start), case .ask = machine.roomFreed(at: self.start),
            case .ask(let second, _) = machine.admission(.down(until: later), at: self.start),
            case .send = machine.admission(.admitted, at: self.start)
        else {
            Issue.record("no wait, or no attempt after it")
            return
        }
        if case .ask(let third, _) = machine.failed(.notSent, attempt: 1, at: self.start, takeRetry: { true }) {
            #expect(third.backend != second.backend)
        }
    }

    @Test(arguments: [(429, Endpoint.Dialect.openai), (529, .anthropic), (503, .openai), (502, .openai)])
    func anErrorAsFirstEventKeepsItsStatusWhenNobodyIsLeft(_ status: Int, _ dialect: Endpoint.Dialect) throws {
        var machine = self.machine(self.policy(backends: 1), dialect: dialect)
        let first = machine.start(at: self.start)
        _ = try self.admitted(&machine, first)
        let problem = UpstreamProblem(status: status, message: "busy", type: nil, code: nil)
        guard case .refuse(let refusal) = machine.failed(.reported(problem), attempt: machine.attemptCount, at: self.start, takeRetry: { true }) else {
            Issue.record("an error inside an answer was not refused")
            return
        }
        #expect(refusal.status == status && (refusal.retryAfterSeconds != nil) == (status == 429))
    }

    @Test(arguments: [503, 529])
    func anOverloadStaysAnOverloadOnAnthropicsRoutes(_ status: Int) throws {
        var machine = self.machine(self.policy(backends: 1), dialect: .anthropic)
        let first = machine.start(at: self.start)
        _ = try self.admitted(&machine, first)
        guard case .refuse(let refusal) = machine.failed(.answered(status: status), attempt: machine.attemptCount, at: self.start, takeRetry: { true }) else {
            Issue.record("an overload was not refused")
            return
        }
        #expect(refusal.status == 529)
    }

    private let budget = Budget(index: 0, name: "tiny", scope: .all, limit: Money(pico: 1), period: .day, thresholds: [(.one, .reject)])

    /// The code that the client is refused with; nil where it is not.
    private func code(_ action: AttemptMachine.Action) -> Refusal.Code? {
        if case .refuse(let refusal) = action { refusal.code } else { nil }
    }

    @Test func passesOverWhatABudgetDoesNotPayFor() throws {
        var machine = self.machine(self.policy(backends: 2))
        _ = machine.start(at: self.start)
        let next = machine.unaffordable(self.budget, at: self.start)
        #expect(try self.admitted(&machine, next) == 1)
        #expect(self.code(machine.failed(.answered(status: 503), attempt: machine.attemptCount, at: self.start) { true }) == .budgetExceeded)
    }

    @Test func tellsOfTheBudgetWithNobodyLeft() {
        var machine = self.machine(self.policy(backends: 2))
        _ = machine.start(at: self.start)
        _ = machine.unaffordable(self.budget, at: self.start)
        guard case .refuse(let refusal) = machine.unaffordable(self.budget, at: self.start) else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.status == 429 && refusal.code == .budgetExceeded && refusal.shouldRetry == false)
    }

    @Test func theClientsOwnFaultComesBeforeTheBudget() throws {
        var machine = self.machine(self.policy(backends: 2))
        _ = machine.start(at: self.start)
        let next = machine.unaffordable(self.budget, at: self.start)
        _ = try self.admitted(&machine, next)
        guard case .passOn = machine.failed(.answered(status: 400), attempt: machine.attemptCount, at: self.start, takeRetry: { true }) else {
            Issue.record("not passed on")
            return
        }
    }

    @Test func doesNotWaitForRoomThatNoBudgetPaysFor() {
        var machine = self.machine(self.policy(backends: 2))
        _ = machine.start(at: self.start)
        _ = machine.unaffordable(self.budget, at: self.start)
        guard case .wait = machine.admission(.busy(nil), at: self.start) else {
            Issue.record("does not wait for the other")
            return
        }
        #expect(machine.waitingFor.map(\.backend) == [1])
    }
}
