import ArgumentParser
import FoundationEssentials
import SluiceCore
import SluicePolicy
import SluiceSQLite

struct ExportFocus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "focus", abstract: "Prints costs as rows of FOCUS, the FinOps Open Cost and Usage Specification.",
        discussion: """
            One row per backend, model, meter, class, tenant and hour; service tiers and prices that differ within an hour have rows of their own. Costs and \
            tokens add up to the ledger exactly; what has no price is left out and counted on stderr, what is in doubt stands beside with its bounds. \
            --format parquet needs DuckDB's command line.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case csv, parquet
    }

    @OptionGroup var policy: PolicyOptions
    @OptionGroup var data: DataOptions
    @OptionGroup var span: SpanOptions

    @Option(help: "1.2, or 1.4 with its columns.")
    var focusVersion = FocusTable.Version.v12

    @Option(help: "csv or parquet.")
    var format = Format.csv

    @Option(help: ArgumentHelp("Where to write; else stdout. Parquet wants a file.", valueName: "file"), completion: .file())
    var to: String?

    func validate() throws {
        guard self.format == .csv || self.to != nil else { throw ValidationError("--format parquet wants --to FILE.") }
    }

    func run() throws {
        let console = Console()
        let converter = try self.format == .parquet ? self.duckDB(console) : nil
        let sink = try self.sink(console, isTemporary: converter != nil)
        let (unpriced, deletedBefore) = try console.failing(as: .text) { () throws(StoreError) in try self.write(to: sink) }
        if unpriced > 0 { console.talk("\(unpriced) calls have no price and are left out") }
        if let from = deletedBefore { console.talk("what was before \(from) is left out: its entries were deleted, and their sums know no meters") }
        if let converter, let to { try converter.convert(sink.path ?? "", to: to, console) }
    }

    /// - Returns: How many calls have no price, and from when on there are entries, where some of the time asked for have been deleted.
    private func write(to sink: ExportSink) throws(StoreError) -> (unpriced: Int, deletedBefore: Timestamp?) {
        let ledger = SQLiteLedger(reading: try self.data.reader())
        let now = Timestamp.now
        let (since, until) = (self.span.start(at: now), self.span.end(at: now))
        var table = FocusTable(self.focusVersion, costCenters: self.costCenters(at: now))
        sink.write(table.head)
        var unpriced = 0
        // Hour by hour, so that memory stays the same however long the time is.
        for hour in try ledger.rollups(since: since, until: until, by: [.hour]).compactMap({ $0.key[0].flatMap { Timestamp(rfc3339: $0) } }).sorted() {
            var charges = FocusHour(hour)
            var filter = LedgerFilter()
            filter.since = max(hour, since ?? hour)
            filter.until = min(hour + .seconds(3600), until ?? .distantFuture)
            try ledger.walk(filter) { _, entry in charges.add(entry) }
            sink.write(table.rows(charges))
            unpriced += charges.unpriced
        }
        sink.write(table.purchases)
        sink.close()
        let first = try ledger.kept().entriesFrom.flatMap { $0 > since ?? .distantPast ? $0 : nil }
        return (unpriced, first)
    }

    /// A policy at hand names the cost centers; none need be.
    private func costCenters(at now: Timestamp) -> [String: String] {
        let tenants = (try? self.policy.read(at: now).policy)?.tenants ?? []
        return tenants.reduce(into: [:]) { $0[$1.name] = $1.terms.costCenter }
    }

    private func duckDB(_ console: Console) throws -> DuckDB {
        guard let duckDB = DuckDB(environment: console.environment) else {
            throw CommandFailure(
                message: "Parquet is written by DuckDB's command line, and there is no program `duckdb` in PATH",
                hint: "install it from https://duckdb.org, or leave --format out for CSV"
            ).report(as: .text, on: console)
        }
        return duckDB
    }

    private func sink(_ console: Console, isTemporary: Bool) throws -> ExportSink {
        do {
            return try ExportSink(self.to.map { isTemporary ? $0 + ".csv.part" : $0 })
        } catch {
            throw CommandFailure(message: "\(self.to ?? "") cannot be written: \(error)").report(as: .text, on: console)
        }
    }
}

extension FocusTable.Version: ExpressibleByArgument {}
