/// Prices the ledger's stored tokens again by the rate cards of a policy: what differs becomes corrections (`ledger.md`, Proof).
///
/// Only what was counted is priced: bounds and provider's own amounts stay, and so do hours of one's own hardware, which were shared out when
/// they ended. A baseline stays as it was decided, but where the entry ran at the baseline itself, or had no price to compare.
package struct Recomputation: Sendable {
    /// What an entry and its corrections so far add up to.
    private struct Known {
        var standing: LedgerEntry.Standing
        var baseline: Money?
        var levers = LedgerEntry.Levers.zero

        mutating func add(baseline: Money?, levers: LedgerEntry.Levers?) {
            if let baseline { self.baseline = (self.baseline ?? .zero) + baseline }
            if let levers { self.levers += levers }
        }
    }

    private let policy: PolicySet
    /// Of entries that were corrected before, without what they themselves say.
    private var corrected: [Int64: Known] = [:]

    /// Entries whose tokens have a price.
    package private(set) var entries = 0
    /// Entries with tokens for which the policy has no price any more, or none yet.
    package private(set) var unpriced = 0
    package private(set) var corrections = 0
    /// The sum of all corrections.
    package private(set) var difference = MoneySum.zero

    package init(policy: PolicySet) {
        self.policy = policy
    }

    /// Takes note of a correction of the ledger; all of them must be known before the first entry is asked about.
    package mutating func note(_ correction: LedgerEntry) {
        guard let seq = correction.corrects, let end = correction.settlement, var standing = correction.before else { return }
        standing.cost = (standing.cost ?? .zero) + (end.cost ?? .zero)
        standing.evidence = end.evidence
        standing.unitPrices = end.unitPrices
        standing.perRequest = end.perRequest
        var known = self.corrected[seq] ?? Known(standing: standing)
        known.standing = standing
        known.add(baseline: end.baseline, levers: end.levers)
        self.corrected[seq] = known
    }

    /// The correction that an entry needs; nil where it is right.
    package mutating func correction(of entry: LedgerEntry, seq: Int64, at now: Timestamp) -> LedgerEntry? {
        guard let end = entry.settlement, self.isPriced(entry, end) else { return nil }
        var known = self.corrected[seq] ?? Known(standing: LedgerEntry.Standing(entry, end))
        known.add(baseline: end.baseline, levers: end.levers)
        guard let priced = self.price(entry, standing: known.standing.cost) else {
            self.unpriced += 1
            return nil
        }
        self.entries += 1
        guard known.standing.cost != priced.cost else { return nil }
        let difference = priced.cost - (known.standing.cost ?? .zero)
        self.corrections += 1
        self.difference += MoneySum(difference)
        let card = self.policy.card(for: entry, decided: entry.decided, completed: entry.at)
        var correction = LedgerEntry(
            kind: .correction, at: now, subject: entry.subject, attempt: entry.attempt, target: entry.target?.priced(by: card?.revision), estimate: nil)
        correction.corrects = seq
        correction.before = known.standing
        correction.settlement = self.settlement(entry, known, priced, difference)
        return correction
    }

    /// Whether its money is counts times a card.
    private func isPriced(_ entry: LedgerEntry, _ end: LedgerEntry.Settlement) -> Bool {
        guard entry.kind == .settled || entry.kind == .waste, end.usage != nil, !end.flags.contains(.unreconciled) else { return false }
        guard end.evidence == .computed || end.evidence == .unpriced, entry.subject?.currency == self.policy.currency else { return false }
        guard let target = entry.target, target.rateCard != "owned", target.rateCard != "rented" else { return false }
        return self.policy.backend(named: target.backend).map { self.policy.hardware[$0.index] == nil } ?? true
    }

    /// Rows keep whole milliseconds, so the very edge of a window or a card may have been on its other side: what fits the row is right.
    private func price(_ entry: LedgerEntry, standing: Money?) -> PricedUsage? {
        let priced = self.policy.price(entry)
        guard let standing, priced?.cost != standing else { return priced }
        for (start, end) in [(-1, 0), (1, 0), (0, -1), (-1, -1), (1, -1)] as [(Int64, Int64)] {
            let other = self.policy.price(entry, decided: entry.decided + .milliseconds(start), completed: entry.at + .milliseconds(end))
            if other?.cost == standing { return other }
        }
        return priced
    }

    private func settlement(_ entry: LedgerEntry, _ known: Known, _ priced: PricedUsage, _ difference: Money) -> LedgerEntry.Settlement {
        var end = LedgerEntry.Settlement(outcome: entry.settlement?.outcome ?? .unknown, status: nil, evidence: .computed)
        end.cost = difference
        end.costLow = difference
        end.costHigh = difference
        end.unitPrices = priced.unitPrices
        end.perRequest = priced.perRequest
        end.modelServed = entry.settlement?.modelServed
        end.tierServed = entry.settlement?.tierServed
        if entry.settlement?.flags.contains(.verification) == true { end.flags = [.verification] }
        guard entry.kind == .settled else { return end }
        if known.baseline == nil {
            end.baseline = self.policy.baselineCost(of: entry)
        } else {
            // At the baseline itself nothing is saved, whatever the price.
            let isSame = known.baseline == known.standing.cost && known.levers == .zero
            end.baseline = isSame ? difference : .zero
            if isSame { end.levers = .zero }
        }
        if end.levers == nil, let baseline = end.baseline { end.levers = Recomputation.levers(from: known.levers, to: priced, sum: baseline - difference) }
        return end
    }

    /// What is added to the levers so far: lane and window as the new price has them, the rest to the backend.
    private static func levers(from old: LedgerEntry.Levers, to priced: PricedUsage, sum: Money) -> LedgerEntry.Levers {
        let lane = priced.base - priced.tiered - old.lane
        let window = priced.tiered - priced.cost - old.window
        return LedgerEntry.Levers(model: .zero, backend: sum - lane - window, lane: lane, window: window, cache: .zero)
    }
}

extension LedgerEntry.Levers {
    fileprivate static func += (a: inout LedgerEntry.Levers, b: LedgerEntry.Levers) {
        a = LedgerEntry.Levers(
            model: a.model + b.model, backend: a.backend + b.backend, lane: a.lane + b.lane, window: a.window + b.window, cache: a.cache + b.cache)
    }
}

extension LedgerEntry.Standing {
    /// What an entry came to that was never corrected.
    fileprivate init(_ entry: LedgerEntry, _ end: LedgerEntry.Settlement) {
        self.init(kind: entry.kind, at: entry.at, evidence: end.evidence)
        self.usage = end.usage
        self.unitPrices = end.unitPrices
        self.perRequest = end.perRequest
        self.cost = end.cost
    }
}

extension Recomputation {
    /// Looks at the entries of a time and hands out the corrections that they need, in chain order, a few hundred at a time.
    ///
    /// - Parameters:
    ///   - append: Has them in the ledger once it returns. Without it nothing is written.
    ///   - progress: Told now and then how many entries were seen.
    package mutating func run(
        over ledger: some Ledger, _ filter: LedgerFilter, at now: Timestamp, append: (([LedgerEntry]) throws(StoreError) -> Void)? = nil,
        progress: (Int) -> Void = { _ in }
    ) throws(StoreError) {
        guard let head = try ledger.head()?.seq else { return }
        // A correction may stand long behind the time that is asked about.
        var later = filter
        later.until = nil
        try ledger.walk(later) { _, entry in if entry.kind == .correction { self.note(entry) } }
        var waiting: [LedgerEntry] = []
        var seen = 0
        try ledger.walk(filter) { seq, entry throws(StoreError) in
            guard seq <= head else { return }
            seen += 1
            if seen % 1000 == 0 { progress(seen) }
            if let correction = self.correction(of: entry, seq: seq, at: now) { waiting.append(correction) }
            if waiting.count == 500 {
                try append?(waiting)
                waiting = []
            }
        }
        if !waiting.isEmpty { try append?(waiting) }
    }

    /// `sluice.recompute/v1` (`outputs.md`, Commands).
    package func json(isWritten: Bool) -> [UInt8] {
        var json = JSONFields(capacity: 256)
        json.add("schema", "sluice.recompute/v1")
        json.add("ok", true)
        json.add("entries", self.entries)
        json.add("corrections", self.corrections)
        json.add("difference", self.difference)
        json.add("unpriced", self.unpriced)
        json.add("currency", self.policy.currency)
        json.add("written", isWritten)
        return json.object
    }
}
