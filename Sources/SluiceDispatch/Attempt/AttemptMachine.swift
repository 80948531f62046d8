package import SluiceCore

/// Decides, one event at a time, what is tried for one request: which backend next, whether to wait for room, when to give up.
///
/// Pure: events go in, actions come out, and whoever drives it performs them and reports back. Until ``committed()`` an attempt may be
/// replaced by another; after it never. The rules are those of `contract.md`, Relaying, and `promises.md`, P16 to P24.
package struct AttemptMachine: Sendable {
    /// What the class and the moment allow.
    package struct Terms: Sendable {
        package var retryAmbiguous: Int
        /// How long the request may wait for room at a busy backend.
        package var patience: Duration
        package var arrived: MonotonicInstant
        /// When the latency budget is used up; nil where there is none.
        package var deadline: MonotonicInstant?
        /// Whose error statuses the client understands.
        package var dialect: Endpoint.Dialect

        package init(
            retryAmbiguous: Int, patience: Duration, arrived: MonotonicInstant, deadline: MonotonicInstant?, dialect: Endpoint.Dialect
        ) {
            self.retryAmbiguous = retryAmbiguous
            self.patience = patience
            self.arrived = arrived
            self.deadline = deadline
            self.dialect = dialect
        }
    }

    package enum Action: Sendable {
        /// Ask the backend for a slot and report ``admission(_:at:)``.
        case ask(Route.Candidate, isLastResort: Bool)
        /// Wait until a busy backend has room, at most until then; report ``roomFreed(at:)`` or ``waitedLongEnough(at:)``.
        case wait(until: MonotonicInstant)
        /// The slot is taken: record the intent and send. Attempts count from 1.
        case send(Route.Candidate, attempt: Int)
        /// Give the client this error.
        case refuse(Refusal)
        /// Give the client the answer that this attempt got, error status and all.
        case passOn(attempt: Int)
        /// Nothing: another attempt is under way.
        case carryOn
    }

    /// How an attempt failed before the commit point.
    package enum Failure: Sendable {
        /// Not a byte left.
        case notSent
        /// Sent, and nobody knows what became of it.
        case ambiguous(isTimeout: Bool)
        /// Sent, and the backend closed the connection without a word: as good as a 502, and no proof that nothing was done.
        case hungUp
        /// Answered with this status.
        case answered(status: Int)
        /// Answered 200, and then its first word was an error.
        case reported(UpstreamProblem)
    }

    enum State: Sendable {
        case idle
        case asking(Route.Candidate, isLastResort: Bool)
        case waiting
        case trying
        case relaying
        case over
    }

    /// All pools together.
    package static let mostAttempts = 3

    let route: Route
    private let policy: PolicySet
    private let terms: Terms
    var state = State.idle
    /// The next candidate of this pass; a pass begins anew after each wait.
    private var position = 0
    /// Where the attempts so far went.
    private var sent: [(backend: Int, pool: Int)] = []
    private var attempts = 0
    /// Attempts that have not ended: two while one is hedged.
    package private(set) var underWay = 0
    /// Where the search for a backend for a second attempt stands.
    var hedgePosition = 0
    private var ambiguousResends = 0
    private var serverErrors = 0
    private var lastRateLimited: Int?
    private var lastFailure: (attempt: Int, failure: Failure)?
    /// One of two attempts failed in a way after which no other may follow.
    private var isLast = false
    /// Of this pass: the soonest time at which a busy backend may have room, and whether any was busy at all.
    private var soonestRoom: Duration?
    private var sawBusy = false
    /// Of this pass: the shortest wait at a line, and whether there is a place without a known one.
    private var soonestSlot: Duration?
    private var isAnySlotNear = false
    private var soonestUp: MonotonicInstant?
    /// Of this pass: backends that a budget no longer pays for.
    private var unaffordable: [(backend: Int, budget: Budget)] = []
    /// What is left for the last resort.
    private var reserve: [Route.Candidate] = []
    private var isLastResort = false
    /// Whether pools behind the first one may be asked; always, but for a class with `spill` whose first pool is quick enough.
    private var mayLeave: Bool

    package init(route: Route, policy: PolicySet, terms: Terms) {
        self.route = route
        self.policy = policy
        self.terms = terms
        self.mayLeave = route.spill.map { route.candidates.first?.pool != $0.pool } ?? true
    }

    /// Attempts that were sent, or were to be.
    package var attemptCount: Int { self.attempts }

    /// The backends at which it may wait for room.
    package var waitingFor: [Route.Candidate] { self.route.candidates.filter { self.isOpen($0) && self.isReachable($0) && self.isAffordable($0) } }

    package var isCommitted: Bool {
        if case .relaying = self.state { true } else { false }
    }

    package mutating func start(at now: MonotonicInstant) -> Action {
        self.next(at: now)
    }

    package mutating func admission(_ admission: BackendRecord.Admission, at now: MonotonicInstant) -> Action {
        guard case .asking(let candidate, _) = self.state else { preconditionFailure("an admission without a question: \(self.state)") }
        switch admission {
        case .admitted:
            self.attempts += 1
            self.underWay += 1
            self.sent.append((candidate.backend, candidate.pool))
            self.state = .trying
            return .send(candidate, attempt: self.attempts)
        case .busy where self.underWay > 0, .full where self.underWay > 0, .down where self.underWay > 0:
            return self.nextHedge()
        case .busy(let wait):
            self.sawBusy = true
            if let wait { self.soonestRoom = min(self.soonestRoom ?? wait, wait) } else { self.isAnySlotNear = true }
        case .full(let wait):
            self.sawBusy = true
            self.soonestSlot = min(self.soonestSlot ?? wait, wait)
        case .down(let until):
            if let until { self.soonestUp = min(self.soonestUp ?? until, until) }
        }
        return self.next(at: now)
    }

    /// A budget does not authorise the attempt: the backend is passed over, whatever others cost.
    package mutating func unaffordable(_ budget: Budget, at now: MonotonicInstant) -> Action {
        guard case .asking(let candidate, _) = self.state else { preconditionFailure("an admission without a question: \(self.state)") }
        self.unaffordable.append((candidate.backend, budget))
        return self.underWay > 0 ? self.nextHedge() : self.next(at: now)
    }

    /// A slot may be free at a backend that was busy: all candidates are asked again.
    package mutating func roomFreed(at now: MonotonicInstant) -> Action? {
        guard case .waiting = self.state else { return nil }
        self.position = 0
        self.unaffordable = []
        self.sawBusy = false
        self.soonestRoom = nil
        self.soonestSlot = nil
        self.isAnySlotNear = false
        self.soonestUp = nil
        return self.next(at: now)
    }

    /// The time of ``Action/wait(until:)`` has come: a rate limit may have opened, or the request's patience is over.
    package mutating func waitedLongEnough(at now: MonotonicInstant) -> Action? {
        guard case .waiting = self.state else { return nil }
        if !self.mayLeave, self.isSpillDue(at: now) {
            self.mayLeave = true
            return self.roomFreed(at: now)
        }
        return self.terms.arrived + self.terms.patience > now ? self.roomFreed(at: now) : self.finish(self.noRoom())
    }

    /// The first byte of the answer is about to go to the client.
    package mutating func committed() {
        self.state = .relaying
    }

    /// Nothing more is to be decided: answered, broken off or given up.
    package mutating func ended() {
        self.state = .over
    }

    /// An attempt was taken back before anything of it left: as if it had not been made.
    package mutating func withdrew() {
        self.underWay -= 1
    }

    /// The attempt failed before the commit point.
    ///
    /// - Parameter takeRetry: Takes a token of the retry budget; asked only when another attempt would be made.
    package mutating func failed(_ failure: Failure, attempt: Int, at now: MonotonicInstant, takeRetry: () -> Bool) -> Action {
        guard case .trying = self.state else { preconditionFailure("a failure without an attempt: \(self.state)") }
        self.underWay -= 1
        // Of two attempts the failure counts after which nothing may follow.
        if !self.isLast { self.lastFailure = (attempt, failure) }
        if case .answered(429) = failure { self.lastRateLimited = attempt }
        let mayFollow = self.mayTryElsewhere(failure, in: self.policy.pools[self.sent[attempt - 1].pool])
        guard self.underWay == 0 else {
            if mayFollow { self.count(failure) } else { self.isLast = true }
            return .carryOn
        }
        guard mayFollow, !self.isLast, self.attempts < AttemptMachine.mostAttempts else { return self.giveUp() }
        guard self.hasAnother else { return self.overBudget() ?? self.giveUp() }
        guard failure.isFree || takeRetry() else { return self.giveUp() }
        self.count(failure)
        return self.next(at: now)
    }

    /// Counts a failure that another attempt follows.
    private mutating func count(_ failure: Failure) {
        switch failure {
        case .ambiguous: self.ambiguousResends += 1
        case .hungUp where self.serverErrors > 0: self.ambiguousResends += 1
        case .answered(500), .answered(502), .answered(504), .hungUp: self.serverErrors += 1
        default: break
        }
    }

    private func mayTryElsewhere(_ failure: Failure, in pool: Pool) -> Bool {
        switch failure {
        case .notSent: pool.failover.contains(.connect)
        case .ambiguous(let isTimeout):
            self.ambiguousResends < self.terms.retryAmbiguous && (!isTimeout || pool.failover.contains(.timeout))
        case .hungUp:
            (pool.failover.contains(.serverError) && self.serverErrors == 0) || self.ambiguousResends < self.terms.retryAmbiguous
        case .answered(let status):
            switch status {
            case 429: pool.failover.contains(.rateLimit)
            // Our credentials, never the caller's fault.
            case 401, 402, 403: true
            case 400..<500: false
            case 500, 502, 504: pool.failover.contains(.serverError) && self.serverErrors == 0
            default: pool.failover.contains(.serverError)
            }
        case .reported(let problem): pool.failover.contains(problem.status == 429 ? .rateLimit : .serverError)
        }
    }

    /// Whether any candidate is left that was not tried.
    private var hasAnother: Bool {
        self.route.candidates.contains { self.isOpen($0) && self.isAffordable($0) }
            || self.route.down.contains { !self.wasTried($0) && self.isAffordable($0) }
    }

    func isOpen(_ candidate: Route.Candidate) -> Bool {
        !self.wasTried(candidate) && self.sent.count { $0.pool == candidate.pool } < self.policy.pools[candidate.pool].retry
    }

    private func wasTried(_ candidate: Route.Candidate) -> Bool { self.sent.contains { $0.backend == candidate.backend } }

    /// Not behind a first pool that is to be waited for.
    func isReachable(_ candidate: Route.Candidate) -> Bool { self.mayLeave || candidate.pool == self.route.spill?.pool }

    /// A class with `spill` has waited for its first pool as long as it is to, or more of the wait than that is certain.
    private func isSpillDue(at now: MonotonicInstant) -> Bool {
        guard let spill = self.route.spill else { return false }
        let due = self.terms.arrived + min(spill.whenWait, self.terms.patience)
        let known = self.isAnySlotNear ? nil : [self.soonestRoom, self.soonestSlot].compactMap { $0 }.min()
        return now >= due || known.map { now + $0 > due } ?? false
    }

    func isAffordable(_ candidate: Route.Candidate) -> Bool { !self.unaffordable.contains { $0.backend == candidate.backend } }

    private mutating func next(at now: MonotonicInstant) -> Action {
        while self.position < self.route.candidates.count {
            let candidate = self.route.candidates[self.position]
            self.position += 1
            guard self.isOpen(candidate), self.isReachable(candidate) else { continue }
            self.state = .asking(candidate, isLastResort: self.isLastResort)
            return .ask(candidate, isLastResort: self.isLastResort)
        }
        if !self.mayLeave, !self.sawBusy || self.isSpillDue(at: now) {
            self.mayLeave = true
            self.position = 0
            return self.next(at: now)
        }
        if self.sawBusy { return self.waitForRoom(at: now) }
        if let action = self.lastResort(at: now) { return action }
        return self.giveUp(at: now)
    }

    private mutating func waitForRoom(at now: MonotonicInstant) -> Action {
        var until = self.terms.arrived + self.terms.patience
        if let deadline = self.terms.deadline { until = min(until, deadline) }
        // What opens too late is told at once: whoever waits in vain only makes the line longer.
        if !self.isAnySlotNear, let soonest = [self.soonestRoom, self.soonestSlot].compactMap({ $0 }).min(), now + soonest >= until {
            return self.finish(self.noRoom(retryAfter: soonest))
        }
        if let room = self.soonestRoom { until = min(until, now + room) }
        // Nobody wakes those who wait for a backend that is down.
        if let up = self.soonestUp, up > now { until = min(until, up) }
        if !self.mayLeave, let spill = self.route.spill { until = min(until, self.terms.arrived + spill.whenWait) }
        guard until > now else { return self.finish(self.noRoom()) }
        self.state = .waiting
        return .wait(until: until)
    }

    /// Nobody is left but backends with an open breaker: one call a second goes there all the same, so that a pool is never wholly dead.
    private mutating func lastResort(at now: MonotonicInstant) -> Action? {
        guard !self.isLastResort, self.attempts < AttemptMachine.mostAttempts else { return nil }
        self.isLastResort = true
        // Those that were up when the plan was made and down when they were asked come last.
        self.reserve = (self.route.down + self.route.candidates).filter { !self.wasTried($0) && self.isAffordable($0) }
        return self.nextReserve()
    }

    private mutating func nextReserve() -> Action? {
        // Some may have been tried meanwhile, after a wait for room.
        self.reserve.removeAll(where: self.wasTried)
        guard !self.reserve.isEmpty else { return nil }
        let candidate = self.reserve.removeFirst()
        self.state = .asking(candidate, isLastResort: true)
        return .ask(candidate, isLastResort: true)
    }

    private mutating func giveUp(at now: MonotonicInstant? = nil) -> Action {
        if now != nil, let action = self.nextReserve() { return action }
        if now != nil, let action = self.overBudget() { return action }
        if let attempt = self.lastRateLimited, self.attempts > 0 { return self.finish(.passOn(attempt: attempt)) }
        switch self.lastFailure?.failure {
        case nil: return self.finish(.refuse(self.nobody(at: now)))
        case .answered(let status) where (400..<500).contains(status) && ![401, 402, 403, 429].contains(status):
            return self.finish(.passOn(attempt: self.lastFailure?.attempt ?? self.attempts))
        case .answered(let status):
            let isOverload = self.terms.dialect == .anthropic && (status == 503 || status == 529)
            return self.finish(.refuse(Refusal(isOverload ? 529 : 502, .upstreamFailed, AttemptMachine.sentence(forStatus: status))))
        case .reported(let problem):
            // An event has no header that says when to ask again.
            return self.finish(
                .refuse(
                    Refusal(
                        problem.status, .upstreamFailed, "the backend reported an error inside its answer: \(problem.message)",
                        retryAfter: problem.status == 429 ? .seconds(1) : nil)))
        case .notSent:
            return self.finish(.refuse(Refusal(502, .upstreamFailed, "no backend could be reached")))
        case .hungUp:
            return self.finish(.refuse(Refusal(502, .upstreamFailed, "the backend closed the connection without an answer")))
        case .ambiguous(let isTimeout):
            let what = isTimeout ? "the backend did not answer in time" : "the backend broke the connection off, or answered with what is no answer"
            return self.finish(
                .refuse(
                    Refusal(
                        isTimeout ? 504 : 502, isTimeout ? .latencyBudgetExceeded : .upstreamFailed,
                        what + "; it was not asked again, since it may have done the work")))
        }
    }

    private static func sentence(forStatus status: Int) -> String {
        switch status {
        case 401, 402, 403: "the backend refused Sluice's own credentials"
        default: "every backend that was tried failed; the last one answered \(status)"
        }
    }

    private func nobody(at now: MonotonicInstant?) -> Refusal {
        if self.route.isTooDear {
            return Refusal(422, .maxCostExceeded, "no allowed backend fits the cost limit of this request", param: "Sluice-Max-Cost", shouldRetry: false)
        }
        var refusal = Refusal(503, .noBackend, "no backend of the class can take the request now", retryAfter: .seconds(1))
        if let up = self.soonestUp, let now, up > now { refusal.retryAfter = up - now }
        return refusal
    }

    /// Whoever is left costs more than a budget has left.
    private mutating func overBudget() -> Action? {
        guard let budget = self.unaffordable.first?.budget else { return nil }
        let what = "the budget `\(budget.name)` of \(budget.limit) \(self.policy.currency) a \(budget.period.rawValue) does not allow this request"
        return self.finish(.refuse(Refusal(429, .budgetExceeded, what, shouldRetry: false)))
    }

    private func noRoom(retryAfter: Duration = .seconds(1)) -> Action {
        .refuse(Refusal(429, .overloaded, "every backend of the class is at its limit", retryAfter: retryAfter))
    }

    private mutating func finish(_ action: Action) -> Action {
        self.state = .over
        return action
    }
}

extension AttemptMachine.Failure {
    /// A failure that asked nothing of the backend costs nothing of the retry budget.
    fileprivate var isFree: Bool {
        if case .notSent = self { true } else { false }
    }
}
