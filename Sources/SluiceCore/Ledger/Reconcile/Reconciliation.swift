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
        fileprivate var isBilled: Bool { self.invoiceQuantity != nil || self.invoice != .zero }
        /// The greatest part; nil where nothing differs.
        package var cause: VarianceCause? {
            let order = VarianceCause.allCases
            return order.filter { self.parts[$0] ?? .zero != .zero }.max { (self.parts[$0] ?? .zero).pico.magnitude < (self.parts[$1] ?? .zero).pico.magnitude }
        }
    }

    package let rows: [Row]
    private let explained: [LedgerBill.Day: (waste: MoneySum, counts: MoneySum)]
    private let open: OpenDoubts
    package let currency: String?
    package let unpriced: Int

    /// - Parameter days: The days that are compared; others of either side are left out.
    package init(_ invoice: Invoice, with bill: LedgerBill, days: (String) -> Bool) {
        self.currency = bill.currency
        self.open = bill.open
        self.unpriced = bill.unpriced
        var comparison = VarianceComparison(invoice, bill)
        let keys = Set(comparison.ledger.keys).union(comparison.invoice.sums.keys).filter { days($0.day) }
        var rows = keys.sorted().map { comparison.row($0) }
        comparison.nameCounts(in: &rows)
        self.rows = rows
        self.explained = comparison.explained
    }

    package var ledger: MoneySum { self.rows.reduce(into: .zero) { $0 += $1.ledger } }
    package var invoice: MoneySum { self.rows.reduce(into: .zero) { $0 += $1.invoice } }
    package var difference: MoneySum { self.invoice - self.ledger }

    package var byCause: [(cause: VarianceCause, amount: MoneySum)] {
        VarianceCause.allCases.map { cause in (cause, self.rows.reduce(into: .zero) { $0 += $1.parts[cause] ?? .zero }) }
    }

    /// Whether what is not harmless, each amount by itself so that errors do not hide one another, stays within a share of the ledger.
    package func isWithin(_ tolerance: PriceFactor) -> Bool {
        let withinBounds = self.explained.values.reduce(into: MoneySum.zero) { $0 += $1.counts }
        let base = self.ledger == .zero ? self.invoice : self.ledger
        return (Reconciliation.harm(in: self.rows) - withinBounds).pico * 1_000_000 <= Int128(base.pico.magnitude) * Int128(tolerance.millionths)
    }

    private static func harm(in rows: some Sequence<Row>) -> MoneySum {
        rows.reduce(into: .zero) { harm, row in
            for (cause, amount) in row.parts where !cause.isHarmless { harm.pico += Int128(amount.pico.magnitude) }
        }
    }

    // MARK: Calls in doubt

    /// What this bill makes of the calls in doubt: of each day and model on which nothing else differs that matters.
    package var closings: [OpenDoubts.Closing] { self.open.closings(self.billedForDoubts) }

    /// How many calls are in doubt, and between what they cost.
    package var doubts: (calls: Int, low: MoneySum, high: MoneySum) { (self.open.calls, self.open.low, self.open.high) }

    private func billedForDoubts(_ day: LedgerBill.Day) -> MoneySum? {
        let rows = self.rows.filter { $0.key.day == day.day && $0.key.model == day.model }
        let explained = self.explained[day] ?? (.zero, .zero)
        guard rows.contains(where: \.isBilled), Reconciliation.harm(in: rows) == explained.counts else { return nil }
        return explained.waste + explained.counts
    }
}
