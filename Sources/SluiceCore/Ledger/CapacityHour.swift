/// An hour of a node that is over: what it cost, and what of that no request carries.
package struct CapacityHour: Sendable {
    package let backend: String
    package let span: Range<Timestamp>
    private let hardware: HardwareCost
    private let use: NodeMeter.Hour
    /// The node was watched all the time; else its work was told from the ledger's rows.
    private let isWatched: Bool

    package init(backend: String, span: Range<Timestamp>, hardware: HardwareCost, use: NodeMeter.Hour, isWatched: Bool) {
        self.backend = backend
        self.span = span
        self.hardware = hardware
        self.use = use
        self.isWatched = isWatched
    }

    package var cost: MoneySum {
        self.hardware.fixed(in: self.span) + self.hardware.idleEnergy(in: self.span) + self.use.energy
    }

    /// The entry that makes requests and idle time add up to the hour.
    ///
    /// - Parameter spent: What the ledger's rows of the time carry, calls in doubt at their high end. More than the hour cost is a negative
    ///   idle time: the node outran its measured capacity.
    package func entry(spent: MoneySum, currency: String) -> LedgerEntry {
        var entry = LedgerEntry(
            kind: .capacity, at: self.span.upperBound - .milliseconds(1), subject: nil, attempt: nil,
            target: .init(pool: self.backend, backend: self.backend, backendModel: "", rateCard: nil), estimate: nil)
        entry.currency = currency
        entry.capacity = .init(
            gpus: self.hardware.gpus, span: self.span.upperBound - self.span.lowerBound, busy: self.use.busy, cost: Money(pico: Int64(clamping: self.cost.pico))
        )
        var end = LedgerEntry.Settlement(outcome: .ok, status: nil, evidence: self.isWatched ? .computed : .estimated)
        end.cost = Money(pico: Int64(clamping: (self.cost - spent).pico))
        end.costLow = end.cost
        end.costHigh = end.cost
        entry.settlement = end
        return entry
    }
}

extension NodeMeter.Hour {
    /// What rows say of a node's work: it was busy while at least one attempt was under way.
    package init(from entries: [LedgerEntry], in span: Range<Timestamp>, on hardware: HardwareCost) {
        let busy = IntervalSet(
            entries.compactMap { entry -> Range<Timestamp>? in
                guard entry.kind.isEnd, let end = entry.settlement, end.outcome != .notSent, let total = end.total else { return nil }
                let start = entry.at - max(.zero, total - (end.queued ?? .zero))
                return start < entry.at ? (start..<entry.at).clamped(to: span) : nil
            })
        self.init()
        for interval in busy.intervals {
            self.busy += interval.upperBound - interval.lowerBound
            self.energy += hardware.busyEnergy(in: interval)
        }
    }
}
