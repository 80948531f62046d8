import SluiceCore

/// What `audit reconcile` says: `sluice.reconcile/v1`.
struct ReconcileOutcome: Codable {
    struct Row: Codable {
        var day: String
        var model: String
        var token_class: String
        var ledger: String
        var invoice: String
        /// invoice − ledger
        var difference: String
        @OrNull var cause: String?
        /// Where there are several.
        var causes: [String: String]
        @OrNull var ledger_quantity: String?
        @OrNull var invoice_quantity: String?
    }

    /// Calls of which only bounds are known.
    struct Doubts: Codable {
        var calls: Int
        var low: String
        var high: String
        /// What the bill makes of those that it tells enough of.
        @OrNull var billed: String?
        /// To how many of them that was booked.
        var closed = 0
    }

    var schema = "sluice.reconcile/v1"
    var ok: Bool
    var provider: String
    var tolerance: String
    @OrNull var currency: String?
    var ledger: String
    var invoice: String
    var difference: String
    var rows: [Row]
    var by_cause: [String: String]
    /// Calls of ours that have no price: in no sum.
    var unpriced: Int
    var doubts: Doubts

    init(_ found: Reconciliation, tolerance: PriceFactor, provider: String, shown: String) {
        self.ok = found.isWithin(tolerance)
        self.provider = provider
        self.tolerance = shown.hasSuffix("%") ? shown : shown + "%"
        self.currency = found.currency
        self.ledger = found.ledger.description
        self.invoice = found.invoice.description
        self.difference = found.difference.description
        self.unpriced = found.unpriced
        let closings = found.closings
        self.doubts = Doubts(
            calls: found.doubts.calls, low: found.doubts.low.description, high: found.doubts.high.description,
            billed: closings.isEmpty ? nil : closings.reduce(into: MoneySum.zero) { $0 += MoneySum($1.cost) }.description)
        self.by_cause = found.byCause.reduce(into: [:]) { $0[$1.cause.rawValue] = $1.amount.description }
        self.rows = found.rows.map { row in
            Row(
                day: row.key.day, model: row.key.model, token_class: row.key.meter.name, ledger: row.ledger.description, invoice: row.invoice.description,
                difference: row.difference.description, cause: row.cause?.rawValue,
                causes: row.parts.filter { $0.value != .zero }.reduce(into: [:]) { $0[$1.key.rawValue] = $1.value.description },
                ledger_quantity: row.ledgerQuantity.map { "\($0)" }, invoice_quantity: row.invoiceQuantity.map { "\($0)" })
        }
    }

    func text(_ style: TextStyle) -> String {
        var table = TextTable(
            [.init(title: "day"), .init(title: "model"), .init(title: "tokens")]
                + ["ledger", "invoice", "difference"].map { .init(title: $0, alignment: .right) }
                + [.init(title: "cause")])
        table.rows = self.rows.filter { $0.cause != nil }.map { row in
            let causes = row.causes.count > 1 ? row.causes.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ") : row.cause ?? ""
            return [row.day, row.model, row.token_class, row.ledger, row.invoice, row.difference, causes.replacing("_", with: " ")]
        }
        table.footer = ["total", "", "", self.ledger, self.invoice, self.difference, ""]
        let agreeing = self.rows.count - table.rows.count
        let verdict = self.ok ? style.good("ok") : style.bad("does not agree")
        var text = "\(verdict): ledger \(self.ledger), invoice of \(self.provider) \(self.invoice), difference \(self.difference)"
        text += " \(self.currency ?? "") (tolerance \(self.tolerance))\n"
        if !table.rows.isEmpty { text += "\n" + table.text(style) }
        let causes = VarianceCause.allCases.compactMap { cause in self.by_cause[cause.rawValue].flatMap { $0 == "0" ? nil : "\(cause.rawValue) \($0)" } }
        if !causes.isEmpty { text += "\nby cause: \(causes.joined(separator: " · ").replacing("_", with: " "))\n" }
        text += "\(agreeing) of \(self.rows.count) lines agree\n"
        if self.unpriced > 0 { text += "\(self.unpriced) calls have no price and are in no sum\n" }
        return text + self.doubtText
    }

    private var doubtText: String {
        guard self.doubts.calls > 0 else { return "" }
        let calls = self.doubts.calls == 1 ? "1 call was in doubt" : "\(ReportText.grouped("\(self.doubts.calls)")) calls were in doubt"
        var text = "\(calls), between \(self.doubts.low) and \(self.doubts.high)"
        if let billed = self.doubts.billed {
            text += self.doubts.closed > 0 ? ": \(self.doubts.closed) corrected to \(billed), as billed" : ": billed with \(billed), which --correct books"
        }
        return text + "\n"
    }
}
