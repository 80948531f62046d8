import ArgumentParser
import FoundationEssentials
import SluiceCore
import SluicePolicy
import SluiceSQLite

struct AuditReconcile: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile", abstract: "Holds the ledger against a provider's own bill and names the cause of every difference.",
        discussion: """
            The format of a file is told by its shape: OpenAI's costs and usage exports, Anthropic's cost and usage reports, OpenRouter's activity, FOCUS; any \
            other CSV with --map. Days are UTC, and all days of the months that the bill touches count unless --since and --until say otherwise. \
            With --correct, calls in doubt get what the bill has for them, as corrections: where it has nothing else that differs on a day of a model. Rounding and calls of ours that nobody saw are shown and pass; exit code 1 means that the rest is beyond the tolerance.
            """)

    enum Provider: String, ExpressibleByArgument, CaseIterable {
        case openai, anthropic, openrouter, focus, csv
    }

    @Option(help: ArgumentHelp("Whose bill it is: openai, anthropic, openrouter, focus or csv.", valueName: "name"))
    var provider: String

    @Option(help: ArgumentHelp("The bill; may be given several times.", valueName: "file"), completion: .file())
    var invoice: [String]

    @Option(help: ArgumentHelp("The backends that it bills, with commas; else the one of the provider's name, else all with that `api`.", valueName: "names"))
    var backend: String?

    @Option(help: ArgumentHelp("How much may be off, as a share of the ledger's sum.", valueName: "percentage"))
    var tolerance = "0.5%"

    @Option(help: ArgumentHelp("Columns of a CSV: day=…,model=…,token_class=…,quantity=…,amount=…,tier=….", valueName: "columns"))
    var map: String?

    @Flag(help: "Append corrections that give calls in doubt what the bill says that they cost.")
    var correct = false

    @OptionGroup var policy: PolicyOptions
    @OptionGroup var data: DataOptions
    @OptionGroup var span: SpanOptions

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func validate() throws {
        guard AuditReconcile.share(self.tolerance) != nil else { throw ValidationError("--tolerance wants a percentage such as 0.5%.") }
        guard self.map.map({ ColumnMap($0) != nil }) ?? true else {
            let fields = ColumnMap.Field.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--map wants FIELD=COLUMN pairs with commas, at least day and amount or quantity; fields are \(fields).")
        }
        guard !self.invoice.isEmpty else { throw ValidationError("--invoice names the bill.") }
    }

    /// `0.5%`, or a plain number that means the same.
    private static func share(_ text: String) -> PriceFactor? {
        guard let value = DecimalText.parse(text.hasSuffix("%") ? String(text.dropLast()) : text, decimals: 4), value >= 0, let share = Int64(exactly: value)
        else {
            return nil
        }
        return PriceFactor(millionths: share)
    }

    func run() throws {
        let console = Console()
        let invoice = try self.read(console)
        let found = try console.failing(as: self.output) { () throws(StoreError) -> Reconciliation in
            let ledger = SQLiteLedger(reading: try self.data.reader())
            let span = InvoiceSpan(invoice, since: self.span.start(at: .now), until: self.span.end(at: .now))
            if let from = try ledger.kept().entriesFrom, span.filter.since.map({ $0 < from.hour }) ?? true {
                throw StoreError(.other, "the entries before \(from) were deleted, so a bill of that time cannot be compared; give --since a day after it")
            }
            var bill = LedgerBill(backends: try self.backends(in: ledger))
            // A correction is written when it is found, which may be after the time of the bill.
            var filter = span.filter
            filter.until = nil
            try ledger.walk(filter) { seq, entry in
                let at = entry.before?.at ?? entry.at
                if span.filter.since.map({ at >= $0 }) ?? true, span.filter.until.map({ at < $0 }) ?? true { bill.add(entry, seq: seq) }
            }
            if let own = bill.currency, let other = invoice.currencies.first(where: { $0 != own }) {
                throw StoreError(.other, "the bill is in \(other) and the ledger in \(own), and nothing is converted")
            }
            return Reconciliation(invoice, with: bill, days: span.contains)
        }
        var outcome = ReconcileOutcome(found, tolerance: AuditReconcile.share(self.tolerance) ?? .one, provider: self.provider, shown: self.tolerance)
        if self.correct { outcome.doubts.closed = try console.failing(as: self.output) { () throws(StoreError) in try self.close(found.closings) } }
        switch self.output {
        case .json: try console.print(json: outcome)
        case .text: console.print(outcome.text(TextStyle(console)), terminator: "")
        }
        if !outcome.ok { throw ExitCode(1) }
    }

    /// - Returns: How many got their cost.
    private func close(_ closings: [OpenDoubts.Closing]) throws(StoreError) -> Int {
        guard !closings.isEmpty else { return 0 }
        let wanted = DoubtClosing(closings)
        let answer = try StoreAccess(folder: self.data.folder(try? self.policy.read(at: .now).policy)).change(
            served: { client throws(StoreError) in
                guard let body = try? JSONEncoder().encode(wanted) else { return [] }
                return try client.send("POST", "/api/audit/close", body: Array(body))
            },
            alone: { database throws(StoreError) in
                let ledger = SQLiteLedger(database)
                return try wanted.write(to: ledger, at: .now) { entries throws(StoreError) in try ledger.commit(entries) }
            })
        return (try? JSONDecoder().decode([String: Int].self, from: Data(answer)))?["closed"] ?? 0
    }

    private func read(_ console: Console) throws -> Invoice {
        var invoice = Invoice()
        do throws(InvoiceFile.Unreadable) {
            for path in self.invoice { try InvoiceFile(path, map: self.map.flatMap { ColumnMap($0) }).read(into: &invoice) }
        } catch {
            throw CommandFailure(message: "\(error)").report(as: self.output, on: console)
        }
        guard invoice.pages.more == 0 || invoice.pages.last > 0 else {
            throw CommandFailure(message: "the bill goes on (`has_more`): give its other pages with --invoice as well").report(as: self.output, on: console)
        }
        return invoice
    }

    private func backends(in ledger: SQLiteLedger) throws(StoreError) -> Set<String> {
        let known = Set(try ledger.rollups(since: nil, until: nil, by: [.backend]).compactMap { $0.key[0] })
        if let backend {
            let named = Set(backend.split(separator: ",").map { $0.trimmed })
            let unknown = named.subtracting(known).subtracting((try? self.policy.read(at: .now).policy)?.backends.map(\.name) ?? [])
            guard let first = unknown.min() else { return named }
            throw StoreError(.other, "there is no backend `\(first)` in the ledger or the policy (\(known.sorted().joined(separator: ", ")))")
        }
        if known.contains(self.provider) { return [self.provider] }
        let policy = try? self.policy.read(at: .now).policy
        let same = policy?.backends.filter { $0.api.rawValue == self.provider || $0.api.rawValue == "\(self.provider)-batch" || self.listens($0) } ?? []
        guard !same.isEmpty else {
            throw StoreError(
                .other,
                "which backends this bill is for is not known: none is called `\(self.provider)`; name them with --backend (\(known.sorted().joined(separator: ", ")))"
            )
        }
        return Set(same.map(\.name))
    }

    private func listens(_ backend: Backend) -> Bool {
        self.provider == "openrouter" && backend.url?.host == "openrouter.ai"
    }
}

/// The days that a bill is about.
private struct InvoiceSpan {
    let first: String
    let last: String
    let filter: LedgerFilter

    init(_ invoice: Invoice, since: Timestamp?, until: Timestamp?) {
        let days = invoice.lines.map(\.day)
        let from = since.map { String($0.description.prefix(10)) }
        let to = until.map { String(($0 - .milliseconds(1)).description.prefix(10)) }
        self.first = from ?? "\((days.min() ?? "0000-00-00").prefix(7))-01"
        self.last = to ?? "\((days.max() ?? "9999-99-99").prefix(7))-31"
        var filter = LedgerFilter()
        filter.since = Timestamp(rfc3339: self.first)
        filter.until = until
        self.filter = filter
    }

    func contains(_ day: String) -> Bool { self.first <= day && day <= self.last }
}
