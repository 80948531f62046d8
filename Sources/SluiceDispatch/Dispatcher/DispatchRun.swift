import Logging
import NIOCore
import SluiceCore
import SluiceWire

/// One request being dispatched: performs what the ``AttemptMachine`` decides, on one event loop, and hands the answer to its sink.
///
/// Live traffic and deferred work are run by the same code; they differ in sink and recorder only.
package final class DispatchRun {
    // What each piece of a stream needs stands together.
    private(set) var sink: (any AnswerSink)?
    /// Given where the original is asked too.
    private(set) var copy: AnswerCopy?
    private(set) var isOver = false
    private var isPaused = false
    let call: DispatchCall
    let dispatcher: Dispatcher
    let recorder: any AttemptRecorder
    let meter: Meter
    /// nil where the policy has no budgets.
    private(set) var purse: Purse?
    var machine: AttemptMachine
    private(set) var current: Attempt?
    /// The second attempt beside a slow one.
    private(set) var rival: Attempt?
    var hedgeTimer: Scheduled<Void>?
    /// When the attempt under way is slow enough for a second one; nil where there will be none.
    var hedgeAt: MonotonicInstant?
    /// Attempts that were answered with an error, one of which the client may get.
    private var answeredAttempts: [Attempt] = []
    /// The one that ended last.
    var last: Attempt?
    private var ticket: RoomTicket?
    private var waitUntil: MonotonicInstant?
    private(set) var roomWait: MonotonicInstant?
    /// What ``check(at:)`` looks at.
    let limits: Limits
    /// Holds a place of a tenant that has limits.
    var tenantSlot: TenantSlot?
    var tokenUse = TokenUse()
    /// How the tenant stands with its limits; empty where it has none.
    var quotaLines: [UInt8] = []
    private var lastActivity: MonotonicInstant?
    /// Its place among the runs that the dispatcher watches.
    var watchIndex = -1

    struct Limits {
        /// The latency budget, and when it is used up.
        let total: Duration?
        let deadline: MonotonicInstant?
        let firstToken: Duration?
        let idle: Duration
        let hedge: TrafficClass.Hedge?

        init(_ call: DispatchCall) {
            let trafficClass = call.trafficClass
            let readTimeout = call.request.wishes.readTimeout
            self.total = call.decision.budget.total
            self.deadline = self.total.map { call.arrived.monotonic + $0 }
            self.firstToken = trafficClass.firstTokenTimeout.map { limit in readTimeout.map { min(limit, $0) } ?? limit } ?? readTimeout
            self.hedge = call.isVerification ? nil : trafficClass.hedge
            self.idle = readTimeout.map { min(trafficClass.idleTimeout, $0) } ?? trafficClass.idleTimeout
        }
    }

    init(call: DispatchCall, dispatcher: Dispatcher, sink: any AnswerSink, recorder: any AttemptRecorder) {
        self.call = call
        self.limits = Limits(call)
        self.dispatcher = dispatcher
        self.sink = sink
        self.recorder = recorder
        self.meter = Meter(policy: call.live.policy, request: call.request, decision: call.decision, at: call.arrived.wall)
        if !call.live.policy.budgets.isEmpty {
            let spender = Spender(
                tenant: call.subject.tenant, key: call.subject.key, tags: call.subject.tags, trafficClass: call.subject.trafficClass)
            self.purse = Purse(budgets: call.live.budgets, spender: spender)
        }
        if call.verifiedBy != nil { self.copy = AnswerCopy() }
        let now = call.arrived
        let isLater = call.isLater
        var route = call.live.planner.plan(
            call.request, call.decision, pools: call.pools, isCall: true, at: now, chance: Double.random(in: 0..<1),
            prefix: { call.prefix(tokens: $0) }, condition: { call.live.slots[$0].condition(isLater: isLater, at: now.monotonic) })
        route.keep(call.ranks)
        self.machine = AttemptMachine(
            route: route, policy: call.live.policy,
            terms: AttemptMachine.Terms(
                retryAmbiguous: call.trafficClass.retryAmbiguous, patience: call.patience, arrived: now.monotonic,
                deadline: self.limits.deadline, dialect: call.request.endpoint.dialect))
    }

    var now: Now { self.dispatcher.clock.now }
    var isCommitted: Bool { self.machine.isCommitted }

    func start(at now: Now) {
        guard self.takesPlace(at: now) else { return }
        self.dispatcher.fleet.noteFirstAttempt()
        if let hedge = self.limits.hedge { self.dispatcher.fleet.noteHedged(self.call.trafficClass.name, share: hedge.budget) }
        self.perform(self.machine.start(at: self.call.arrived.monotonic), at: now)
    }

    // MARK: What the sink tells

    /// The client has left, or the job is not wanted any more: drops what is under way and books it.
    package func cancel() {
        guard !self.isOver else { return }
        self.stopWaiting()
        while let attempt = self.rival ?? self.current {
            attempt.cancel()
            self.settle(attempt, self.leftBehind(attempt, .clientGone), as: attempt.wasSent ? .waste : .settled, report: .nothing)
        }
        self.close()
    }

    /// The sink can take more again, or no more for now.
    package func writabilityChanged(_ isWritable: Bool) {
        guard self.isPaused == isWritable else { return }
        self.isPaused = !isWritable
        for handle in [self.current?.handle, self.rival?.handle] {
            if isWritable { handle?.resume() } else { handle?.pause() }
        }
    }

    /// The server stops now.
    package func cut() {
        self.outOfTime(Refusal(503, .draining, "the server is shutting down"))
    }

    // MARK: Actions of the machine

    func perform(_ first: AttemptMachine.Action, at now: Now) {
        var action = first
        while true {
            switch action {
            case .ask(let candidate, let isLastResort):
                action = self.ask(candidate, isLastResort: isLastResort, at: now)
            case .wait(let until):
                guard self.standInLine(until: until, at: now.monotonic), let next = self.machine.roomFreed(at: now.monotonic) else { return }
                action = next
            case .send(let candidate, let attempt):
                return self.send(to: candidate, attempt: attempt, at: now)
            case .refuse(let refusal):
                return self.refuse(refusal)
            case .passOn(let attempt):
                return self.passOn(attempt)
            case .carryOn:
                return
            }
        }
    }

    /// Asks backend and budgets. A refused attempt must take nothing of the backend's rate limits, hence the first look.
    private func ask(_ candidate: Route.Candidate, isLastResort: Bool, at now: Now) -> AttemptMachine.Action {
        let slot = self.call.live.slots[candidate.backend]
        let amount = self.purse == nil ? nil : self.meter.estimate(for: candidate, at: now.wall)
        self.purse?.aim(at: self.call.live.policy.pools[candidate.pool].name)
        if let budget = self.purse?.refusal(of: amount, at: now.wall) { return self.machine.unaffordable(budget, at: now.monotonic) }
        let admission = slot.admit(
            tokens: self.tokens, isLater: self.call.isLater, isLastResort: isLastResort, isHedge: self.current != nil,
            place: RoomPlace(urgency: self.urgency, since: self.roomWait ?? MonotonicInstant(nanoseconds: .max)), at: now.monotonic)
        if admission == .admitted, let budget = self.purse?.take(amount, at: now.wall) {
            slot.release(
                .nothing, isLater: self.call.isLater, urgency: self.urgency, held: .zero, tokensBeyond: -self.tokens, at: now.monotonic)
            return self.machine.unaffordable(budget, at: now.monotonic)
        }
        return self.machine.admission(admission, at: now.monotonic)
    }

    /// Waits for room; true where it is worth asking again at once.
    private func standInLine(until: MonotonicInstant, at now: MonotonicInstant) -> Bool {
        self.roomWait = self.roomWait ?? now
        self.waitUntil = until
        let loop = self.dispatcher.loop
        let bound = NIOLoopBound(self, eventLoop: loop)
        let ticket = RoomTicket(RoomPlace(urgency: self.urgency, since: self.roomWait ?? now), tokens: self.tokens) { slot in
            loop.execute { bound.value.roomFreed(at: slot) }
        }
        self.ticket = ticket
        for candidate in self.machine.waitingFor where !self.call.live.slots[candidate.backend].wait(ticket, at: now) {
            ticket.tear()
            return true
        }
        return false
    }

    private func roomFreed(at slot: BackendSlot) {
        slot.redeem()
        // Where a more urgent one has come meanwhile, or the slot is not taken, it is for the next in line.
        let now = self.now
        defer { slot.passOn(at: now.monotonic) }
        // It may stand in line again by now, where this wake-up was long on its way.
        self.stopWaiting()
        guard !self.isOver, let action = self.machine.roomFreed(at: now.monotonic) else {
            // The slot that woke this request is for the next in line.
            for slot in self.call.live.slots { slot.passOn(at: now.monotonic) }
            return
        }
        self.perform(action, at: now)
    }

    private func stopWaiting() {
        self.ticket?.tear()
        self.ticket = nil
        self.waitUntil = nil
    }

    private func send(to candidate: Route.Candidate, attempt number: Int, at now: Now) {
        self.stopWaiting()
        let intent = self.meter.intent(of: self.call.subject, attempt: self.call.earlierAttempts + number, at: candidate, now.wall)
        let attempt = Attempt(
            number: number, candidate: candidate, slot: self.call.live.slots[candidate.backend], upstream: self.call.live.upstreams[candidate.backend],
            intent: intent, reservation: self.purse?.handOver(), started: now.monotonic,
            work: self.call.live.slots[candidate.backend].beginWork(at: now), run: self)
        if self.current == nil { self.current = attempt } else { self.rival = attempt }
        if self.limits.hedge != nil { self.armHedge(beside: attempt) }
        self.recorder.begin(intent) { [dispatcher] error in
            guard !attempt.isSettled, !self.isOver else { return }
            if let error { return self.couldNotRecord(error, attempt) }
            attempt.handle = dispatcher.transports[attempt.upstream.kind].start(
                self.call.upstreamCall(to: candidate), on: dispatcher.loop, receiver: attempt)
            if self.isPaused { attempt.handle?.pause() }
        }
    }

    /// Nothing may leave that is not written down.
    private func couldNotRecord(_ error: StoreError, _ attempt: Attempt) {
        attempt.isSettled = true
        self.forget(attempt)
        self.machine.withdrew()
        let now = self.now
        if attempt.work != nil { attempt.slot.endWork(at: now) }
        attempt.slot.release(
            .nothing, isLater: self.call.isLater, urgency: self.urgency, held: now.monotonic - attempt.started, tokensBeyond: -self.tokens,
            at: now.monotonic)
        if let reservation = attempt.reservation { self.purse?.giveBack(reservation, at: now.wall) }
        // A second attempt that cannot be made leaves the first as it is.
        guard self.current == nil else { return }
        let isFull = if case .full = error.code { true } else { false }
        self.refuse(
            isFull
                ? Refusal(503, .storageError, "the ledger has no space left, and the policy says `on_ledger_full: refuse`", retryAfter: .seconds(30))
                : Refusal(503, .storageError, "the ledger cannot be written: \(error.message)", retryAfter: .seconds(5)))
    }

    /// The attempt has its end.
    func forget(_ attempt: Attempt) {
        if self.rival === attempt {
            self.rival = nil
        } else if self.current === attempt {
            self.current = self.rival
            self.rival = nil
        }
    }

    // MARK: What attempts tell

    /// An attempt failed before the commit point: it is booked, and the machine decides what comes next.
    ///
    /// - Parameter report: What it says of the backend that nothing was sent; other failures say it themselves.
    func attempt(
        _ attempt: Attempt, failed failure: AttemptMachine.Failure, as outcome: LedgerEntry.Outcome, report: BackendRecord.Report = .failure,
        reason: String? = nil
    ) {
        guard !self.isOver, !attempt.isSettled else { return }
        if let reason { self.dispatcher.note(reason, attempt: attempt, call: self.call) }
        let status = attempt.head?.status
        if case .answered = failure, let head = attempt.head {
            self.answeredAttempts.append(attempt)
            self.heed(head, attempt)
        }
        self.book(attempt, failure, outcome, status: status, report: report)
        let now = self.now
        self.perform(self.machine.failed(failure, attempt: attempt.number, at: now.monotonic) { self.dispatcher.fleet.takeRetry() }, at: now)
    }

    func attempt(_ attempt: Attempt, sawFirstTokenAt instant: MonotonicInstant) {
        // What live requests may expect is told by live ones.
        guard !self.call.isLater else { return }
        attempt.slot.noteFirstToken(after: instant - attempt.started, at: instant)
    }

    func attempt(_ attempt: Attempt, answeredWhole body: ByteBuffer, at now: Now) {
        guard !self.isOver, !attempt.isSettled, let head = attempt.head else { return }
        self.commits(attempt)
        if !self.call.isLater { attempt.slot.noteFirstToken(after: now.monotonic - attempt.started, at: now.monotonic) }
        self.copy?.add(body)
        var end = self.settlement(of: attempt, .ok, at: now)
        self.mark(&end)
        let lines = self.lines(of: head, attempt, cost: CostLine(end), bodyBytes: body.readableBytes, at: now)
        self.settle(attempt, consume end, as: .settled, report: .success, at: now)
        guard let sink = self.sink else { return self.close() }
        // Asked first: even nil of it is as large as a job.
        if self.copy != nil, let verified = self.verified(attempt) {
            self.close()
            return sink.verify(verified) { sink.answer(lines, body: body) }
        }
        self.close()
        sink.answer(lines, body: body)
    }

    func attemptCommits(_ attempt: Attempt) {
        guard !self.isOver, !self.isCommitted, let head = attempt.head else { return }
        self.commits(attempt)
        self.sink?.begin(self.lines(of: head, attempt, cost: nil, bodyBytes: 0, at: self.now))
    }

    func attempt(_ attempt: Attempt, relays events: consuming ByteBuffer) {
        guard !self.isOver, let sink = self.sink else { return }
        self.copy?.add(events)
        sink.send(events)
        if !sink.isWritable { self.writabilityChanged(false) }
    }

    func attempt(_ attempt: Attempt, endedStreamWith events: ByteBuffer?) {
        guard !self.isOver, !attempt.isSettled else { return }
        let now = self.now
        if let events { self.copy?.add(events) }
        var end = self.settlement(of: attempt, .ok, at: now)
        self.mark(&end)
        if !attempt.currentFacts.isEnded { end.flags.append(.noDone) }
        self.settle(attempt, end, as: .settled, report: .success, at: now)
        self.finishStream(with: events, isWhole: true, verified: self.verified(attempt))
    }

    /// The stream ended in the middle: the client is told in-band, and nothing looks like success.
    func attempt(_ attempt: Attempt, brokeOff outcome: LedgerEntry.Outcome, saying reason: String) {
        guard !self.isOver, !attempt.isSettled else { return }
        guard self.isCommitted else { return self.attempt(attempt, failed: .ambiguous(isTimeout: outcome == .timeout), as: outcome, reason: reason) }
        self.dispatcher.note(reason, attempt: attempt, call: self.call)
        self.settle(attempt, self.partial(attempt, outcome), as: .settled, report: .failure)
        let isLate = outcome == .timeout
        self.finishStream(
            with: attempt.errorEvent(Refusal(isLate ? 504 : 502, isLate ? .latencyBudgetExceeded : .upstreamFailed, reason)), isWhole: false)
    }

    /// The backend reported an error of its own after the commit point.
    func attempt(_ attempt: Attempt, reportedLate problem: UpstreamProblem) {
        guard !self.isOver, !attempt.isSettled else { return }
        self.settle(attempt, self.partial(attempt, .upstreamError), as: .settled, report: .failure)
        self.finishStream(with: attempt.lateProblem(problem), isWhole: false)
    }

    // MARK: Time

    /// Looks whether something has taken too long; called by the dispatcher every now and then.
    func check(at now: MonotonicInstant) {
        if let until = self.waitUntil {
            // Backends that were down or at a limit per minute wake nobody when they are ready again.
            guard until <= now else { return self.machine.waitingFor.forEach { self.call.live.slots[$0.backend].passOn(at: now) } }
            self.stopWaiting()
            if let action = self.machine.waitedLongEnough(at: now) { self.perform(action, at: self.now) }
            return
        }
        if let deadline = self.limits.deadline, let total = self.limits.total, deadline <= now {
            return self.outOfTime(
                Refusal(504, .latencyBudgetExceeded, "the latency budget of \(DurationText.format(total)) is used up"))
        }
        if let at = self.hedgeAt, at <= now { self.hedge() }
        if !self.isCommitted, let limit = self.limits.firstToken {
            if let rival = self.rival { self.check(rival, against: limit, at: now) }
            if let current = self.current { self.check(current, against: limit, at: now) }
        }
        guard let attempt = self.current, attempt.handle != nil else { return }
        if attempt.wasActive || self.isPaused {
            attempt.wasActive = false
            self.lastActivity = now
        } else if self.isCommitted, (self.lastActivity ?? now) + self.limits.idle <= now {
            attempt.cancel()
            self.attempt(attempt, brokeOff: .timeout, saying: "the backend was silent for \(DurationText.format(self.limits.idle))")
        }
    }

    /// Gives up an attempt that has no first token in time.
    private func check(_ attempt: Attempt, against limit: Duration, at now: MonotonicInstant) {
        guard attempt.handle != nil, attempt.started + limit <= now else { return }
        attempt.cancel()
        self.attempt(attempt, failed: .ambiguous(isTimeout: true), as: .timeout, reason: "no first token within \(DurationText.format(limit))")
    }

    private func outOfTime(_ refusal: Refusal) {
        guard !self.isOver else { return }
        self.stopWaiting()
        guard self.isCommitted, let attempt = self.current else {
            while let attempt = self.rival ?? self.current {
                attempt.cancel()
                self.settle(attempt, self.unanswered(attempt, .timeout), as: attempt.wasSent ? .waste : .settled, report: .nothing)
            }
            return self.refuse(refusal)
        }
        attempt.cancel()
        self.settle(attempt, self.partial(attempt, .timeout), as: .settled, report: .nothing)
        self.finishStream(with: attempt.errorEvent(refusal), isWhole: false)
    }

    // MARK: Ends

    func refuse(_ refusal: Refusal) {
        let sink = self.sink
        var refusal = refusal
        if let last { refusal.routeLine = AnswerLines(call: self.call, candidate: last.candidate, attempt: self.call.earlierAttempts + last.number).routeLine }
        self.machine.ended()
        self.close()
        sink?.refuse(refusal)
    }

    private func passOn(_ number: Int) {
        guard let attempt = self.answeredAttempts.first(where: { $0.number == number }), let answer = attempt.head else {
            preconditionFailure("attempt \(number) has no answer that could be passed on")
        }
        var lines = AnswerLines(call: self.call, candidate: attempt.candidate, attempt: self.call.earlierAttempts + number)
        lines.quotas = self.quotaLines
        let head = lines.problem(answer)
        let body = attempt.upstream.masked(attempt.keptBody)
        let sink = self.sink
        self.machine.ended()
        self.close()
        sink?.answer(head, body: body)
    }

    func finishStream(with events: ByteBuffer?, isWhole: Bool, verified: VerifiedCall? = nil) {
        let sink = self.sink
        self.machine.ended()
        self.close()
        guard let verified, let sink else {
            sink?.finish(with: events, isWhole: isWhole)
            return
        }
        sink.verify(verified) { sink.finish(with: events, isWhole: isWhole) }
    }

    private func close() {
        guard !self.isOver else { return }
        self.isOver = true
        self.hedgeTimer?.cancel()
        if let slot = self.tenantSlot {
            slot.release(tokensBeyond: self.tokenUse.beyond(self.tokens), since: self.tokenUse.since, at: self.now.monotonic)
        }
        self.sink = nil
        self.answeredAttempts = []
        self.last = nil
        self.dispatcher.unwatch(self)
    }
}
