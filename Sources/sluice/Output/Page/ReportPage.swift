import SluiceCore

/// A report as one page that needs nothing else: no script, no font, no picture from anywhere.
struct ReportPage {
    let report: Report
    /// By hour and the first dimension that is no time.
    let hours: Report
    /// By backend and hour; those with hardware of their own have a utilisation.
    let nodes: Report
    let made: Timestamp

    /// Reads what the page shows.
    init(_ report: Report, of ledger: some Ledger, at now: Timestamp) throws(StoreError) {
        let dimension = report.by.first { !$0.isTime } ?? .trafficClass
        self.report = report
        self.hours = try Report(of: ledger, since: report.since, until: report.until, by: [.hour, dimension], currency: report.currency)
        self.nodes = try Report(of: ledger, since: report.since, until: report.until, by: [.backend, .hour], currency: report.currency)
        self.made = now
    }

    private var text: ReportText { ReportText(self.report) }

    var html: String {
        let text = self.text
        let title = "Spend and saving in \(self.report.currency)"
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>Sluice · \(title.htmlEscaped)</title>
            <style>\(ReportPage.style)</style></head><body>
            <a class="skip" href="#main">Skip to content</a>
            <header><b>Sluice</b><span>\(title.htmlEscaped)</span><span class="sub">\(text.span.htmlEscaped)</span></header>
            <main id="main">
            \(self.figures(text))
            \(self.plots(text))
            \(self.table(text.table, title: text.tableTitle))
            \(self.utilisation)
            \(self.explanation(text))
            </main></body></html>

            """
    }

    // MARK: Parts

    private func figures(_ text: ReportText) -> String {
        let total = self.report.total
        func figure(_ title: String, _ value: String, _ note: String) -> String {
            "<section class=\"kpi\"><h2>\(title)</h2><strong>\(value.htmlEscaped)</strong><small>\(note.htmlEscaped)</small></section>"
        }
        let spent = total.spent + total.idle
        let bounds = total.isCertain ? "every amount is certain" : "attempts between \(text.money(total.costLow)) and \(text.money(total.costHigh))"
        let saved = "\(text.money(total.saved)) of \(text.money(total.baseline))"
        let attempts = "\(ReportText.grouped("\(total.attempts)")) attempts, \(ReportText.grouped("\(total.usage.prompt + total.usage.generated)")) tokens"
        let gaps = "\(ReportText.grouped("\(total.unpriced)")) without a price, \(ReportText.grouped("\(total.unbaselined)")) without a baseline"
        return figure("Spend", text.money(spent), bounds) + figure("Saved against baseline", ReportText.percent(total.savedRatio), saved)
            + figure("Requests", ReportText.grouped("\(total.requests)"), attempts)
            + figure("Certain", ReportText.percent(total.coverage), gaps)
    }

    private func plots(_ text: ReportText) -> String {
        let series = SpendSeries(self.hours.rows)
        let dimension = self.hours.by.last.map(\.rawValue) ?? ""
        let spend =
            series.slots.isEmpty
            ? "<p class=\"sub\">Nothing was recorded in that time.</p>"
            : series.picture(currency: self.report.currency) + series.legend + self.details(series.table(text.money))
        let levers = self.report.total.waterfall
        var steps = TextTable([.init(title: "lever"), .init(title: "saved", alignment: .right)])
        steps.rows = levers.map { [$0.lever, $0.amount.description] }
        steps.footer = ["saved", self.report.total.saved.description]
        return """
            <section><h2>Spend per \(series.step.rawValue), by \(dimension)</h2><p class="sub">Dashed: what the same tokens would have cost at the baseline.</p>\(spend)</section>
            <section><h2>Where the saving comes from</h2><p class="sub">From the baseline to what was paid. Levers stand in a fixed order, so nothing counts twice.</p>\
            \(WaterfallPlot(measures: self.report.total, money: text.money).picture)\(self.details(steps))</section>
            """
    }

    private func table(_ table: TextTable, title: String) -> String {
        "<section class=\"wide\"><h2>\(title.htmlEscaped)</h2>\(table.html)</section>"
    }

    private func details(_ table: TextTable) -> String { "<details><summary>Show as a table</summary>\(table.html)</details>" }

    /// Hardware of one's own.
    private var utilisation: String {
        let paid = self.nodes.rows.filter { $0.measures.paidMilliseconds > 0 }
        let byNode = Dictionary(grouping: paid) { $0.key[0] ?? "" }
        let plots = byNode.map { UtilisationPlot(node: $0, hours: $1, currency: self.report.currency, money: self.text.money) }
        return plots.sorted { $0.node < $1.node }.map { plot in
            let details = self.details(plot.table)
            return
                "<section><h2>Utilisation of \(plot.node.htmlEscaped), by hour</h2><p class=\"sub\">\(plot.note.htmlEscaped)</p>\(plot.picture)\(details)</section>"
        }.joined()
    }

    private func explanation(_ text: ReportText) -> String {
        let notes = text.notes.map { "<li>\($0.htmlEscaped)</li>" }.joined()
        return """
            <section class="wide"><h2>How it is computed</h2><ul>\(notes)<li>Every figure is the exact sum of ledger entries; \
            <code>sluice export ledger</code> prints them and <code>sluice audit verify</code> checks that none was changed.</li>
            <li>Saved = baseline − cost − waste − idle. The baseline is what the policy names, at the rates of the moment of decision, for the same tokens.</li>
            <li>What is not certain counts at its high end against the saving. What has no price is in no sum.</li>
            <li>Made at \(self.made.description) by Sluice; times are UTC.</li></ul></section>
            """
    }
}

extension TextTable {
    var html: String {
        func cell(_ tag: String, _ text: String, _ column: Int, _ more: String = "") -> String {
            "<\(tag)\(more)\(self.columns[column].alignment == .right ? " class=\"n\"" : "")>\(text.htmlEscaped)</\(tag)>"
        }
        func row(_ cells: [String], _ tag: String) -> String {
            "<tr>" + cells.enumerated().map { $0 == 0 ? cell("th", $1, $0, " scope=\"row\"") : cell(tag, $1, $0) }.joined() + "</tr>"
        }
        let head = self.columns.indices.map { cell("th", self.columns[$0].title, $0, " scope=\"col\"") }.joined()
        let foot = self.footer.map { "<tfoot>\(row($0, "td"))</tfoot>" } ?? ""
        return "<div class=\"scroll\"><table><thead><tr>\(head)</tr></thead><tbody>\(self.rows.map { row($0, "td") }.joined())</tbody>\(foot)</table></div>"
    }
}
