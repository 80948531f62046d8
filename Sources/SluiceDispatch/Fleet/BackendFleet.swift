package import SluiceCore
import Synchronization

/// The running state of all backends, by name, so that it outlives a reload of the policy.
package final class BackendFleet: Sendable {
    private let slots = Mutex<[String: BackendSlot]>([:])
    private let budget = Mutex(RetryBudget())
    /// By the class's name.
    private let hedges = Mutex<[String: HedgeBudget]>([:])
    private let tenants = Mutex<[String: TenantSlot]>([:])

    private let clock: SluiceClock
    private let chance: @Sendable () -> Double

    /// - Parameter chance: From 0 to 1, for the jitter of breakers.
    package init(clock: SluiceClock, chance: @escaping @Sendable () -> Double = { .random(in: 0...1) }) {
        self.clock = clock
        self.chance = chance
    }

    /// The slots of a policy's backends, in its order: new ones start fresh, known ones keep their history.
    package func adopt(_ policy: PolicySet) -> [BackendSlot] {
        let now = self.clock.now
        return self.slots.withLock { slots in
            policy.backends.map { backend in
                let slot = slots[backend.name] ?? BackendSlot(name: backend.name, limits: backend.limits, chance: self.chance)
                slot.adopt(backend.limits, policy.hardware[backend.index], at: now)
                slots[backend.name] = slot
                return slot
            }
        }
    }

    /// Of those tenants of a policy that have limits, by name; what is in flight stays counted.
    package func adoptTenants(of policy: PolicySet) -> [String: TenantSlot] {
        self.tenants.withLock { tenants in
            for tenant in policy.tenants {
                if let known = tenants[tenant.name] {
                    known.adopt(tenant.terms.limits)
                } else if tenant.terms.limits != Backend.Limits() {
                    tenants[tenant.name] = TenantSlot(tenant.terms.limits)
                }
            }
            return tenants
        }
    }

    package func noteFirstAttempt() {
        self.budget.withLock { $0.noteFirstAttempt() }
    }

    package func takeRetry() -> Bool {
        self.budget.withLock { $0.take() }
    }

    /// A request of a class that asks for second attempts has begun.
    package func noteHedged(_ trafficClass: String, share: PriceFactor) {
        self.hedges.withLock { $0[trafficClass, default: HedgeBudget()].noteRequest(share: share) }
    }

    /// Takes the right to a second attempt, of the class's budget and of the one for retries.
    package func takeHedge(_ trafficClass: String) -> Bool {
        guard self.hedges.withLock({ $0[trafficClass]?.take() ?? false }) else { return false }
        if self.takeRetry() { return true }
        self.hedges.withLock { $0[trafficClass]?.giveBack() }
        return false
    }

    package func giveBackHedge(_ trafficClass: String) {
        self.hedges.withLock { $0[trafficClass]?.giveBack() }
        self.budget.withLock { $0.giveBack() }
    }
}

/// One backend's record, exact over all event loops, and the line of live requests that wait for room there.
package final class BackendSlot: Sendable {
    private struct State {
        var record: BackendRecord
        /// Of hardware of one's own.
        var node: NodeMeter?
        var line = RoomLine()
        var reserve = UrgentReserve()

        /// Whether a live request has room beside those that are on their way and those that are more urgent.
        mutating func hasSlot(for urgency: Int, at now: MonotonicInstant) -> Bool {
            self.record.hasSlot(besides: self.line.promised + self.kept(from: urgency, at: now))
        }

        mutating func kept(from urgency: Int, at now: MonotonicInstant) -> Int {
            self.record.slots.map { self.reserve.kept(from: urgency, of: $0, at: now) } ?? 0
        }

        /// The first in line where there is a slot for it.
        ///
        /// - Parameter isSure: Only where it would be admitted; whoever is woken in vain may be woken again and again.
        mutating func callNext(isSure: Bool, at now: MonotonicInstant) -> RoomTicket? {
            guard self.line.count > 0, self.record.hasSlot(besides: self.line.promised) else { return nil }
            self.line.dropSpent()
            guard let first = self.line.first, self.hasSlot(for: first.place.urgency, at: now),
                !isSure || self.record.isReady(tokens: first.tokens, at: now)
            else { return nil }
            defer { self.record.waiting = self.line.count }
            return self.line.call()
        }
    }

    package let name: String
    private let state: Mutex<State>
    private let chance: @Sendable () -> Double

    fileprivate init(name: String, limits: Backend.Limits, chance: @escaping @Sendable () -> Double) {
        self.name = name
        self.chance = chance
        self.state = Mutex(State(record: BackendRecord(limits: limits)))
    }

    fileprivate func adopt(_ limits: Backend.Limits, _ hardware: HardwareCost?, at now: Now) {
        self.state.withLock { state in
            state.record.adopt(limits)
            if let hardware, state.node != nil {
                state.node?.adopt(hardware, at: now)
            } else {
                state.node = hardware.map { NodeMeter($0, at: now) }
            }
        }
    }

    // MARK: Hardware of one's own

    /// A request begins to use the node; nil where it is none.
    func beginWork(at now: Now) -> NodeMeter.Mark? { self.state.withLock { $0.node?.begin(at: now) } }

    /// What the request that began there has cost so far.
    func share(since mark: NodeMeter.Mark, at now: Now) -> NodeMeter.Share? { self.state.withLock { $0.node?.share(since: mark, at: now) } }

    func endWork(at now: Now) { self.state.withLock { $0.node?.end(at: now) } }

    /// What the node did in an hour that is over, and since when anybody looked.
    package func takeHour(_ hour: Timestamp, at now: Now) -> (hour: NodeMeter.Hour, watchedSince: Timestamp)? {
        self.state.withLock { state in
            guard let since = state.node?.startedAt, let known = state.node?.takeHour(hour, at: now) else { return nil }
            return (known, since)
        }
    }

    package func condition(isLater: Bool, at now: MonotonicInstant) -> BackendCondition {
        self.state.withLock { $0.record.condition(isLater: isLater, at: now) }
    }

    package var breaker: CircuitBreaker.State { self.state.withLock { $0.record.breakerState } }
    package var errorShare: Int? { self.state.withLock { $0.record.errorShare } }

    /// Asks for a slot. Deferred work and second attempts yield while live work waits in line.
    package func admit(
        tokens: Int, isLater: Bool, isLastResort: Bool, isHedge: Bool = false, place: RoomPlace = RoomPlace(), at now: MonotonicInstant
    ) -> BackendRecord.Admission {
        self.state.withLock { state in
            if state.line.count > 0 || state.line.promised > 0 {
                state.line.dropSpent()
                // Nobody overtakes who waits and is as urgent.
                let ahead = isLater || isHedge ? state.line.count : state.line.ahead(of: place)
                if ahead > 0 { return state.record.expectedWait(ahead: ahead, at: now).map { .full($0) } ?? .busy(nil) }
                if !state.record.hasSlot(besides: state.line.promised) { return .busy(nil) }
            }
            let kept = isLater ? 0 : state.kept(from: place.urgency, at: now)
            let admission = state.record.admit(tokens: tokens, isLater: isLater, kept: kept, isLastResort: isLastResort, at: now)
            if admission == .admitted, !isLater { state.reserve.begin(place.urgency, at: now) }
            return admission
        }
    }

    /// Gives a slot back and wakes the first in line.
    ///
    /// - Parameters:
    ///   - urgency: That of the place with which it was asked for.
    ///   - tokensBeyond: By how much the call used more tokens than were taken for it; negative where it was less, 0 where that is not known.
    package func release(
        _ report: BackendRecord.Report, isLater: Bool, urgency: Int = 0, held: Duration, tokensBeyond: Int = 0, at now: MonotonicInstant
    ) {
        let next = self.state.withLock { state -> RoomTicket? in
            if !isLater { state.reserve.end(urgency) }
            state.record.release(report, isLater: isLater, held: held, tokensBeyond: tokensBeyond, jitter: self.chance(), at: now)
            return state.callNext(isSure: false, at: now)
        }
        self.wake(next, at: now)
    }

    /// Who gave up in this very moment must not take the wake-up along.
    private func wake(_ first: RoomTicket?, at now: MonotonicInstant) {
        var next = first
        while let ticket = next, !ticket.spend(at: self) {
            next = self.state.withLock { state in
                state.line.redeem()
                return state.callNext(isSure: true, at: now)
            }
        }
    }

    /// Who was woken takes up what was promised, or leaves it.
    func redeem() { self.state.withLock { $0.line.redeem() } }

    /// A check of its health says whether it is to be left alone.
    package func setSick(_ isSick: Bool) { self.state.withLock { $0.record.isSick = isSick } }

    func complain(at now: MonotonicInstant) { self.state.withLock { $0.record.complain(at: now) } }

    package func noteFirstToken(after duration: Duration, at now: MonotonicInstant) {
        self.state.withLock { $0.record.noteFirstToken(after: duration, at: now) }
    }

    /// How long that share of calls takes at most; nil while too little is known.
    package func usualTime(_ share: Double, isStream: Bool, at now: MonotonicInstant) -> Duration? {
        self.state.withLock { $0.record.usualTime(share, isStream: isStream, at: now) }
    }

    package func park(until: MonotonicInstant) {
        self.state.withLock { $0.record.park(until: until) }
    }

    /// Stands in line; false where a slot became free meanwhile, so that it is worth asking again at once.
    package func wait(_ ticket: RoomTicket, at now: MonotonicInstant) -> Bool {
        self.state.withLock { state in
            if state.line.ahead(of: ticket.place) == 0, state.hasSlot(for: ticket.place.urgency, at: now),
                state.record.isReady(tokens: ticket.tokens, at: now)
            {
                return false
            }
            state.line.enter(ticket)
            state.record.waiting = state.line.count
            return true
        }
    }

    /// Wakes the next in line: the one that was woken no longer wants the slot.
    package func passOn(at now: MonotonicInstant) {
        self.wake(self.state.withLock { $0.callNext(isSure: true, at: now) }, at: now)
    }
}
