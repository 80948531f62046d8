import ArgumentParser
import SluiceCore
import SluiceSQLite

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Prints what other tools read.", subcommands: [ExportLedger.self, ExportFocus.self])
}

struct ExportLedger: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "Prints every ledger entry as one line of JSON, in chain order.",
        discussion: "`sluice audit verify FILE` checks the chain of what is printed; --tenant and --request-id take entries out, so then it cannot.")

    private static let linesPerPage = 2000

    @OptionGroup var data: DataOptions
    @OptionGroup var span: SpanOptions

    @Option(help: "Only entries of this tenant.")
    var tenant: String?

    @Option(help: ArgumentHelp("Only entries of this request.", valueName: "id"))
    var requestID: String?

    func run() throws {
        let console = Console()
        let now = Timestamp.now
        var filter = LedgerFilter()
        filter.since = self.span.start(at: now)
        filter.until = self.span.end(at: now)
        filter.tenant = self.tenant
        filter.requestID = self.requestID
        try console.failing(as: .text) { () throws(StoreError) in
            let ledger = SQLiteLedger(reading: try self.data.reader())
            var last: Int64 = 0
            while true {
                let page = try ledger.lines(filter, after: last, limit: ExportLedger.linesPerPage)
                guard let end = page.last?.seq else { return }
                last = end
                console.print(lines: page.map(\.line))
            }
        }
    }
}
