import SluiceCore

/// The share of each hour in which a node of one's own was at work, and what it stood idle for.
struct UtilisationPlot {
    private static let mostHours = 24 * 14

    let node: String
    private let hours: [Report.Row]
    private let total: RollupMeasures
    private let currency: String
    private let money: (MoneySum) -> String

    /// - Parameter hours: Rows by backend and hour; the newest two weeks are shown.
    init(node: String, hours: [Report.Row], currency: String, money: @escaping (MoneySum) -> String) {
        self.node = node
        self.hours = hours.sorted { UtilisationPlot.hour($0) < UtilisationPlot.hour($1) }.suffix(UtilisationPlot.mostHours)
        self.total = hours.reduce(into: RollupMeasures()) { $0 += $1.measures }
        self.currency = currency
        self.money = money
    }

    private static func hour(_ row: Report.Row) -> String { row.key[1] ?? "" }

    var note: String {
        let share = ReportText.percent(self.total.utilisation)
        return "\(share) of the paid time; \(self.money(self.total.idle)) \(self.currency) were paid for idle time."
    }

    var picture: String {
        let scale = PlotScale([100], slots: self.hours.count)
        var content = scale.axis(unit: " %")
        for (index, row) in self.hours.enumerated() {
            let share = Double(row.measures.utilisation ?? 0) / 10_000
            content += scale.box(index, from: 0, to: share, share: 0.86, style: "class=\"c2\"")
        }
        return PlotScale.picture("Share of each hour in which \(self.node) was at work", content)
    }

    var table: TextTable {
        var table = TextTable([.init(title: "hour (UTC)"), .init(title: "at work", alignment: .right), .init(title: "idle", alignment: .right)])
        for row in self.hours {
            let hour = String(UtilisationPlot.hour(row).prefix(16).replacing("T", with: " "))
            table.rows.append([hour, ReportText.percent(row.measures.utilisation), self.money(row.measures.idle)])
        }
        return table
    }
}
