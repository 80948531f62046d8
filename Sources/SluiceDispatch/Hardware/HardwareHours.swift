package import SluiceCore
import Synchronization

/// Which hours of hardware of one's own are booked, and what is to be booked next: one entry for each node and hour, those in which Sluice
/// was down as well.
package final class HardwareHours: Sendable {
    private struct Node {
        var backend: Backend
        var hardware: HardwareCost
    }

    /// An hour is booked so long after its end: what ended in its last moment is on its way to the ledger.
    private static let grace = Duration.seconds(1)
    /// How far back the ledger is asked for the last hour that was booked.
    private static let memory = Duration.seconds(400 * 86_400)

    private let ledger: any Ledger
    private let policy: PolicyInForce
    /// Until when each node is booked.
    private let booked = Mutex<[String: Timestamp]>([:])

    package init(ledger: any Ledger, policy: PolicyInForce) {
        self.ledger = ledger
        self.policy = policy
    }

    private func nodes(_ policy: PolicySet) -> [Node] {
        zip(policy.backends, policy.hardware).compactMap { backend, hardware in hardware.map { Node(backend: backend, hardware: $0) } }
    }

    /// Whether an hour is over that nobody booked, or a node is new.
    package func isDue(at now: Timestamp) -> Bool {
        let nodes = self.nodes(self.policy.live.policy)
        return self.booked.withLock { booked in nodes.contains { node in booked[node.backend.name].map { $0 < (now - HardwareHours.grace).hour } ?? true } }
    }

    /// The entries that are due. Blocks for reads of the ledger, which must have committed all that is settled.
    ///
    /// A node that was never booked is booked from its first call on, or else from now.
    package func due(at now: Now) throws(StoreError) -> [LedgerEntry] {
        let live = self.policy.live
        var entries: [LedgerEntry] = []
        for node in self.nodes(live.policy) {
            var from = try self.bookedUntil(node.backend.name, at: now.wall)
            while from < (now.wall - HardwareHours.grace).hour {
                let span = from..<from.hour + .seconds(3600)
                entries.append(try self.entry(node, span, live, at: now))
                from = span.upperBound
            }
        }
        return entries
    }

    /// The entries were committed.
    package func markBooked(_ entries: [LedgerEntry]) {
        self.booked.withLock { booked in
            for entry in entries { if let name = entry.target?.backend { booked[name] = entry.at + .milliseconds(1) } }
        }
    }

    private func bookedUntil(_ name: String, at now: Timestamp) throws(StoreError) -> Timestamp {
        if let known = self.booked.withLock({ $0[name] }) { return known }
        let hours = try self.ledger.rollups(since: now - HardwareHours.memory, until: nil, by: [.backend, .hour])
            .filter { $0.key[0] == name }
        let last = hours.filter { $0.measures.paidMilliseconds > 0 }.compactMap { $0.key[1].flatMap { Timestamp(rfc3339: $0) } }.max()
        var until = last.map { $0 + .seconds(3600) }
        if until == nil { until = try self.firstCall(of: name, in: hours) }
        let from = until ?? now
        self.booked.withLock { $0[name] = from }
        return from
    }

    /// When a node that was never booked got its first call as hardware of one's own: a process that was killed in its first hour has booked none.
    private func firstCall(of name: String, in hours: [(key: [String?], measures: RollupMeasures)]) throws(StoreError) -> Timestamp? {
        let used = hours.filter { $0.measures.ownEnds > 0 }.compactMap { $0.key[1].flatMap { Timestamp(rfc3339: $0) } }
        guard let hour = used.min() else { return nil }
        var filter = LedgerFilter()
        filter.since = hour
        filter.until = hour + .seconds(3600)
        filter.backend = name
        var first: Timestamp?
        try self.ledger.walk(filter) { _, entry in first = min(entry.at, first ?? entry.at) }
        return first ?? hour
    }

    private func entry(_ node: Node, _ span: Range<Timestamp>, _ live: LivePolicy, at now: Now) throws(StoreError) -> LedgerEntry {
        let currency = live.policy.currency
        let sums = try self.ledger.rollups(since: span.lowerBound, until: span.upperBound, by: [.currency, .backend])
        let spent = sums.filter { $0.key == [currency, node.backend.name] }.reduce(into: MoneySum.zero) { $0 += $1.measures.spent }
        let watched = live.slots[node.backend.index].takeHour(span.lowerBound.hour, at: now)
        let isWatched = watched.map { $0.watchedSince <= span.lowerBound } ?? false
        let use = try isWatched ? watched?.hour ?? NodeMeter.Hour() : self.use(of: node, in: span, isEmpty: sums.isEmpty)
        return CapacityHour(backend: node.backend.name, span: span, hardware: node.hardware, use: use, isWatched: isWatched)
            .entry(spent: spent, currency: currency)
    }

    /// The work of an hour that nobody watched from its beginning.
    private func use(of node: Node, in span: Range<Timestamp>, isEmpty: Bool) throws(StoreError) -> NodeMeter.Hour {
        guard !isEmpty else { return NodeMeter.Hour() }
        var filter = LedgerFilter()
        filter.since = span.lowerBound
        filter.until = span.upperBound
        filter.backend = node.backend.name
        var entries: [LedgerEntry] = []
        try self.ledger.walk(filter) { _, entry in entries.append(entry) }
        return NodeMeter.Hour(from: entries, in: span, on: node.hardware)
    }
}
