package import SluiceCore
import Synchronization

/// The live requests that wait for room at one backend: the more urgent first, among equals whoever came first.
struct RoomLine {
    private var tickets: [RoomTicket] = []
    /// Slots that woken requests are on their way to.
    private(set) var promised = 0

    var count: Int { self.tickets.count }

    mutating func dropSpent() { self.tickets.removeAll(where: \.isSpent) }

    /// How many stand before a place.
    func ahead(of place: RoomPlace) -> Int { self.tickets.count { $0.place < place && !$0.isSpent } }

    mutating func enter(_ ticket: RoomTicket) {
        self.dropSpent()
        let place = self.tickets.firstIndex { ticket.place < $0.place } ?? self.tickets.endIndex
        self.tickets.insert(ticket, at: place)
    }

    var first: RoomTicket? { self.tickets.first }

    /// The first in line, who is to be woken: a slot is promised to it.
    mutating func call() -> RoomTicket? {
        self.dropSpent()
        guard !self.tickets.isEmpty else { return nil }
        self.promised += 1
        return self.tickets.removeFirst()
    }

    /// Who was woken has come, or wants the slot no more.
    mutating func redeem() { self.promised = max(0, self.promised - 1) }
}

/// Who comes before whom.
package struct RoomPlace: Comparable, Sendable {
    /// The lower the sooner.
    package var urgency: Int
    /// When the request began to wait: whoever must wait once more does not lose the place.
    package var since: MonotonicInstant

    package init(urgency: Int = 0, since: MonotonicInstant = MonotonicInstant(nanoseconds: .max)) {
        self.urgency = urgency
        self.since = since
    }

    package static func < (a: RoomPlace, b: RoomPlace) -> Bool { (a.urgency, a.since) < (b.urgency, b.since) }
}

/// A place in the lines of one or more backends; whoever has room first spends it.
package final class RoomTicket: Sendable {
    let place: RoomPlace
    /// The estimate that counts against limits of tokens per minute.
    let tokens: Int
    /// Looked at for everybody in line, so not under a lock.
    private let spent = Atomic(false)
    /// nil once it is spent or torn: lines hold on to their tickets until they are looked at again, and this to the whole request.
    private let wake: Mutex<(@Sendable (BackendSlot) -> Void)?>

    /// - Parameter wake: Called at most once, from any thread, with the backend that has promised a slot; it must be redeemed there.
    package init(_ place: RoomPlace = RoomPlace(), tokens: Int = 1, wake: @escaping @Sendable (BackendSlot) -> Void) {
        self.place = place
        self.tokens = tokens
        self.wake = Mutex(wake)
    }

    package var isSpent: Bool { self.spent.load(ordering: .acquiring) }

    /// Wakes the waiter, unless another backend did or it has given up: then false.
    func spend(at slot: BackendSlot) -> Bool {
        // Torn in this very moment, it has nobody to wake.
        guard !self.spent.exchange(true, ordering: .acquiringAndReleasing), let wake = self.wake.withLock({ $0.take() }) else { return false }
        wake(slot)
        return true
    }

    /// The waiter has given up.
    package func tear() {
        self.spent.store(true, ordering: .releasing)
        // Let go outside the lock: what it holds may tear this ticket again.
        _ = self.wake.withLock { $0.take() }
    }
}
