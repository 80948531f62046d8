import ArgumentParser
import SluiceCore
import SluiceSQLite

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Shows what traffic cost, what it would have cost, and what was saved by what.",
        subcommands: [ReportSpend.self, ReportPayback.self], defaultSubcommand: ReportSpend.self)
}

struct ReportSpend: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spend", abstract: "Shows what traffic cost, what it would have cost, and what was saved by what; `sluice report` alone does so.",
        discussion: "Every figure is the exact sum of ledger entries; `sluice export ledger` prints them.")

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json, csv, md, html
    }

    @OptionGroup var data: DataOptions
    @OptionGroup var span: SpanOptions

    @Option(
        help: ArgumentHelp("What to group by: tenant, class, backend, model, route, tag, key, hour, day, month (UTC), several with commas.", valueName: "list"))
    var by = ""

    @Option(help: "The currency to report on; else that of the newest entry.")
    var currency: String?

    @Option(help: "table, json, csv, md, or html: one page with plots that needs nothing else.")
    var output = Format.table

    func validate() throws {
        guard RollupDimension.list(self.by) != nil else {
            let names = RollupDimension.allCases.filter { $0 != .currency }.map(\.rawValue)
            let wrong = self.by.split(separator: ",").map { String($0.trimmed) }.first { !names.contains($0) } ?? self.by
            throw ValidationError(
                "--by knows no `\(wrong)`\(NearName.best(for: wrong, among: names).map { "; did you mean `\($0)`?" } ?? "; it knows \(names.joined(separator: ", "))")"
            )
        }
    }

    func run() throws {
        let console = Console()
        try console.failing(as: self.output == .json ? .json : .text) { () throws(StoreError) in
            let ledger = SQLiteLedger(reading: try self.data.reader())
            let report = try Report(
                of: ledger, since: self.span.start(at: .now), until: self.span.end(at: .now), by: RollupDimension.list(self.by) ?? [], currency: self.currency)
            switch self.output {
            case .json: console.print(String(decoding: report.json, as: UTF8.self))
            case .table: console.print(ReportText(report, style: TextStyle(console)).text, terminator: "")
            case .csv: console.print(ReportCSV(report).text, terminator: "")
            case .html: console.print(try ReportPage(report, of: ledger, at: .now).html, terminator: "")
            case .md: console.print(ReportText(report).markdown, terminator: "")
            }
        }
    }
}
