package import SluiceCore
import Synchronization

/// The running state of all backends, by name, so that it outlives a reload of the policy.
package final class BackendFleet: Sendable {
    private let slots = Mutex<[String: BackendSlot]>([:])
    private let budget = Mutex(RetryBudget())
    /// By the class's name.
    private let hedges = Mutex<[String: HedgeBudget]>([:])

    private let clock: SluiceClock

    package init(clock: SluiceClock) {
        self.clock = clock
    }

    /// The slots of a policy's backends, in its order: new ones start fresh, known ones keep their history.
    package func adopt(_ policy: PolicySet) -> [BackendSlot] {
        let now = self.clock.now
        return self.slots.withLock { slots in
            policy.backends.map { backend in
                let slot = slots[backend.name] ?? BackendSlot(name: backend.name, limits: backend.limits)
                slot.adopt(backend.limits, policy.hardware[backend.index], at: now)
                slots[backend.name] = slot
                return slot
            }
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
        var line: [RoomTicket] = []
    }

    package let name: String
    private let state: Mutex<State>

    fileprivate init(name: String, limits: Backend.Limits) {
        self.name = name
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

    package var isBreakerOpen: Bool { self.state.withLock { $0.record.isBreakerOpen } }

    /// Asks for a slot. Deferred work and second attempts yield while live work waits in line.
    package func admit(
        tokens: Int, isLater: Bool, isLastResort: Bool, isHedge: Bool = false, at now: MonotonicInstant
    ) -> BackendRecord.Admission {
        self.state.withLock { state in
            if isLater || isHedge {
                state.line.removeAll(where: \.isSpent)
                if !state.line.isEmpty { return .busy(nil) }
            }
            return state.record.admit(tokens: tokens, isLater: isLater, isLastResort: isLastResort, at: now)
        }
    }

    /// Gives a slot back and wakes the first in line.
    package func release(_ report: BackendRecord.Report, isLater: Bool, held: Duration, at now: MonotonicInstant) {
        let next = self.state.withLock { state -> RoomTicket? in
            state.record.release(report, isLater: isLater, held: held, jitter: Double.random(in: 0...1), at: now)
            guard !state.line.isEmpty else { return nil }
            let first = state.line.firstIndex { !$0.isSpent } ?? state.line.endIndex
            let ticket = first < state.line.endIndex ? state.line[first] : nil
            state.line.removeSubrange(..<min(first + 1, state.line.endIndex))
            state.record.waiting = state.line.count
            return ticket
        }
        // Who gave up in this very moment must not take the wake-up along.
        if let next, !next.spend() { self.passOn() }
    }

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
            state.line.removeAll(where: \.isSpent)
            if state.line.isEmpty, state.record.hasSlot { return false }
            state.line.append(ticket)
            state.record.waiting = state.line.count
            return true
        }
    }

    /// Wakes the next in line: the one that was woken no longer wants the slot.
    package func passOn() {
        var next: RoomTicket?
        repeat {
            next = self.state.withLock { state -> RoomTicket? in
                state.line.removeAll(where: \.isSpent)
                return state.record.hasSlot && !state.line.isEmpty ? state.line.removeFirst() : nil
            }
        } while next.map { !$0.spend() } ?? false
    }
}

/// A place in the lines of one or more backends; whoever has room first spends it.
package final class RoomTicket: Sendable {
    private let spent = Atomic(false)
    private let wake: @Sendable () -> Void

    /// - Parameter wake: Called at most once, from any thread.
    package init(wake: @escaping @Sendable () -> Void) {
        self.wake = wake
    }

    package var isSpent: Bool { self.spent.load(ordering: .acquiring) }

    /// Wakes the waiter, unless another backend did or it has given up: then false.
    func spend() -> Bool {
        guard !self.spent.exchange(true, ordering: .acquiringAndReleasing) else { return false }
        self.wake()
        return true
    }

    /// The waiter has given up.
    package func tear() {
        self.spent.store(true, ordering: .releasing)
    }
}
