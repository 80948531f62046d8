import SluiceCore

/// A report for people: what was spent, what was saved, and by what.
struct ReportText {
    private let report: Report
    private let style: TextStyle
    /// Enough for the smallest amount that matters, the same for all, so that columns can be read downwards.
    private let decimals: Int

    init(_ report: Report, style: TextStyle = TextStyle()) {
        self.report = report
        self.style = style
        let largest = [report.total.baseline, report.total.spent, report.total.idle].map(\.pico.magnitude).max() ?? 0
        self.decimals = largest >= 1_000_000_000_000_000 ? 2 : largest >= 1_000_000_000_000 ? 4 : 6
    }

    var text: String {
        var parts = [self.title]
        if self.report.total.attempts == 0 && self.report.rows.isEmpty { return parts[0] + "\nNothing was recorded in that time.\n" }
        parts.append(self.table.text(self.style))
        parts.append(self.levers.text(self.style))
        let notes = self.notes
        if !notes.isEmpty { parts.append(notes.map { $0 + "\n" }.joined()) }
        return parts.joined(separator: "\n")
    }

    /// The same for a comment on a pull request or a page of a wiki.
    var markdown: String {
        var parts = ["**Spend and saving in \(self.report.currency)**, \(self.span)\(self.grouping)\n", self.table.markdown, self.levers.markdown]
        if !self.notes.isEmpty { parts.append(self.notes.map { "- \($0)\n" }.joined()) }
        return parts.joined(separator: "\n")
    }

    private var title: String {
        self.style.bold("Spend and saving in \(self.report.currency)") + ", \(self.span)\(self.grouping)\n"
    }

    /// What the rows of the table are.
    var tableTitle: String { "Spend" + self.grouping }

    private var grouping: String { self.report.by.isEmpty ? "" : ", by " + self.report.by.map(\.rawValue).joined(separator: " and ") }

    var span: String {
        switch (self.report.since, self.report.until) {
        case (nil, nil): "all time"
        case (let since?, nil): "since \(ReportText.instant(since))"
        case (nil, let until?): "until \(ReportText.instant(until))"
        case (let since?, let until?): "\(ReportText.instant(since)) to \(ReportText.instant(until))"
        }
    }

    var table: TextTable {
        let (hasWaste, hasIdle) = (self.report.total.waste != .zero, self.report.total.idle != .zero)
        let hasHardware = self.report.total.utilisation != nil
        let titles =
            ["requests", "attempts", "cost"] + (hasWaste ? ["waste"] : []) + (hasIdle ? ["idle"] : []) + ["baseline", "saved", "saved %", "certain"]
            + (hasHardware ? ["at work"] : [])
        var table = TextTable(self.report.by.map { .init(title: $0.rawValue) } + titles.map { .init(title: $0, alignment: .right) })
        func cells(_ measures: RollupMeasures) -> [String] {
            var cells = [ReportText.grouped("\(measures.requests)"), ReportText.grouped("\(measures.attempts)")]
            cells.append(measures.attempts > 0 && measures.unpriced == measures.attempts ? "unpriced" : self.money(measures.cost))
            if hasWaste { cells.append(self.money(measures.waste)) }
            if hasIdle { cells.append(self.money(measures.idle)) }
            cells += [
                self.money(measures.baseline), self.money(measures.saved), ReportText.percent(measures.savedRatio), ReportText.percent(measures.coverage),
            ]
            if hasHardware { cells.append(ReportText.percent(measures.utilisation)) }
            return cells
        }
        for row in self.report.rows where !self.report.by.isEmpty { table.rows.append(row.key.map { $0 ?? "(none)" } + cells(row.measures)) }
        let total = cells(self.report.total)
        if self.report.by.isEmpty {
            table.rows = [total]
        } else {
            table.footer = ["total"] + [String](repeating: "", count: self.report.by.count - 1) + total
        }
        return table
    }

    private var levers: TextTable {
        let words = [
            "model": "smaller or other models", "backend": "cheaper backends", "lane": "batch and flex lanes", "window": "off-peak windows",
            "cache": "cached tokens", "waste": "paid, and seen by nobody", "idle": "idle own capacity",
        ]
        let steps = self.report.total.waterfall.filter { $0.amount != .zero || $0.lever == "backend" }
        var table = TextTable([.init(title: "where the saving comes from"), .init(title: "", alignment: .right)])
        table.rows = steps.map { [words[$0.lever] ?? $0.lever, self.money($0.amount)] }
        table.footer = ["saved", self.money(self.report.total.saved)]
        return table
    }

    var notes: [String] {
        let total = self.report.total
        var notes: [String] = []
        if !total.isCertain, total.attempts > 0 {
            notes.append("Not all of it is certain: what was paid lies between \(self.money(total.costLow)) and \(self.money(total.costHigh)).")
        }
        func note(_ count: Int, _ one: String, _ many: String) {
            if count > 0 { notes.append(count == 1 ? "1 \(one)" : "\(ReportText.grouped("\(count)")) \(many)") }
        }
        if total.verification != .zero {
            notes.append("Of what nobody saw, \(self.money(total.verification)) went into verifying substitutes on their originals.")
        }
        note(total.unpriced, "attempt has no price and is in no sum.", "attempts have no price and are in no sum.")
        note(total.unbaselined, "attempt has no baseline and is left out of the saving.", "attempts have no baseline and are left out of the saving.")
        note(total.unreconciled, "attempt reported usage that does not add up.", "attempts reported usage that does not add up.")
        for assumption in self.report.assumptions {
            notes.append(assumption.prefix(1).uppercased() + assumption.dropFirst() + ": an assumption of the policy.")
        }
        for instant in self.report.powerCuts {
            notes.append(
                "The machine went down some time before \(ReportText.instant(instant)): live calls that were under way or had ended in the moment before may be missing."
            )
        }
        if total.idle < .zero {
            notes.append("Own hardware did more than its `tokens_per_hour`: idle time is negative, so the figure is too low.")
        }
        if !self.report.otherCurrencies.isEmpty {
            notes.append("What was paid in \(self.report.otherCurrencies.joined(separator: ", ")) is left out; ask with --currency.")
        }
        return notes
    }

    // MARK: Figures

    /// With the report's number of decimals, rounded half to even, thousands set apart.
    func money(_ sum: MoneySum) -> String {
        var unit: Int128 = 1
        for _ in self.decimals..<12 { unit *= 10 }
        let rounded = sum.pico.dividedHalfEven(by: unit)
        let digits = String(rounded.magnitude)
        let padded = String(repeating: "0", count: max(0, self.decimals + 1 - digits.count)) + digits
        return (rounded < 0 ? "-" : "") + ReportText.grouped(String(padded.dropLast(self.decimals))) + "." + padded.suffix(self.decimals)
    }

    static func grouped(_ digits: String) -> String {
        var groups: [Substring] = []
        var rest = digits[...]
        while rest.count > 3 {
            groups.insert(rest.suffix(3), at: 0)
            rest = rest.dropLast(3)
        }
        return ([rest] + groups).joined(separator: ",")
    }

    /// A ratio in millionths, as a percentage with one decimal.
    static func percent(_ millionths: Int128?) -> String {
        guard let millionths else { return "-" }
        let tenths = millionths.dividedHalfEven(by: 1000)
        return "\(tenths < 0 ? "-" : "")\(tenths.magnitude / 10).\(tenths.magnitude % 10)%"
    }

    private static func instant(_ instant: Timestamp) -> String {
        let text = instant.description
        return text.prefix(10) + " " + text.dropFirst(11).prefix(5) + " UTC"
    }
}
