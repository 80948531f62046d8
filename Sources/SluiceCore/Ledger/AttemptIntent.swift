/// What is written before the bytes of an attempt leave: enough to book it if nothing more is ever heard of it.
package struct AttemptIntent: Sendable {
    /// Of kind `intent`.
    package var entry: LedgerEntry
    /// The most that the attempt may cost; nil where its model has no price.
    package var bound: Money?

    package init(entry: LedgerEntry, bound: Money?) {
        self.entry = entry
        self.bound = bound
    }

    /// The end of an attempt of which no more is known than that it may have been sent (`ledger.md`, Rows must survive): low is 0.
    package func inDoubt(at now: Timestamp) -> LedgerEntry {
        var end = self.entry
        end.kind = .inDoubt
        end.at = now
        var settlement = LedgerEntry.Settlement(outcome: .unknown, status: nil, evidence: self.bound == nil ? .unpriced : .inDoubt)
        settlement.costLow = self.bound.map { _ in .zero }
        settlement.costHigh = self.bound
        end.settlement = settlement
        return end
    }
}
