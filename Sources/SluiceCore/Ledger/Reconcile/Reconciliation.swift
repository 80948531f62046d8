/// A provider's bill held against the ledger: what differs, and why.
///
/// Both are summed by day, model and kind of token. The difference under each key falls into parts that add up exactly: counts at the
/// ledger's price, tiers that moved, prices at the bill's counts, pennies. What has a key on one side only is traffic that the other side
/// never had. Calls of ours whose end is not certain explain surplus counts as long as their bounds last.
package struct Reconciliation: Sendable {
    package struct Row: Sendable {
        package var key: LedgerBill.Key
        package var ledger: MoneySum
        package var invoice: MoneySum
        package var ledgerQuantity: Int128?
        package var invoiceQuantity: Int128?
        /// They add up to the difference.
        package var parts: [VarianceCause: MoneySum]

        package var difference: MoneySum { self.invoice - self.ledger }
        /// The greatest part; nil where nothing differs.
        package var cause: VarianceCause? {
            let order = VarianceCause.allCases
            return order.filter { self.parts[$0] ?? .zero != .zero }.max { (self.parts[$0] ?? .zero).pico.magnitude < (self.parts[$1] ?? .zero).pico.magnitude }
        }
    }

    package private(set) var rows: [Row] = []
    /// Of the causes that are not harmless, what the ledger's own bounds allow for.
    package private(set) var withinBounds = MoneySum.zero
    package let currency: String?
    package let unpriced: Int

    /// - Parameter days: The days that are compared; others of either side are left out.
    package init(_ invoice: Invoice, with bill: LedgerBill, days: (String) -> Bool) {
        self.currency = bill.currency
        self.unpriced = bill.unpriced
        var comparison = VarianceComparison(invoice, bill)
        let keys = Set(comparison.ledger.keys).union(comparison.invoice.sums.keys).filter { days($0.day) }
        self.rows = keys.sorted().map { comparison.row($0) }
        comparison.nameCounts(in: &self.rows)
        self.withinBounds = comparison.withinBounds
    }

    package var ledger: MoneySum { self.rows.reduce(into: .zero) { $0 += $1.ledger } }
    package var invoice: MoneySum { self.rows.reduce(into: .zero) { $0 += $1.invoice } }
    package var difference: MoneySum { self.invoice - self.ledger }

    package var byCause: [(cause: VarianceCause, amount: MoneySum)] {
        VarianceCause.allCases.map { cause in (cause, self.rows.reduce(into: .zero) { $0 += $1.parts[cause] ?? .zero }) }
    }

    /// Whether what is not harmless, each amount by itself so that errors do not hide one another, stays within a share of the ledger.
    package func isWithin(_ tolerance: PriceFactor) -> Bool {
        var harm = MoneySum.zero
        for row in self.rows { for (cause, amount) in row.parts where !cause.isHarmless { harm.pico += Int128(amount.pico.magnitude) } }
        let base = self.ledger == .zero ? self.invoice : self.ledger
        return (harm - self.withinBounds).pico * 1_000_000 <= Int128(base.pico.magnitude) * Int128(tolerance.millionths)
    }
}
