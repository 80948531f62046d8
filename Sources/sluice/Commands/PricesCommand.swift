import ArgumentParser
import FoundationEssentials
import SluiceCore
import SluicePolicy
import SluiceSQLite

struct PricesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prices", abstract: "Keeps the price book: the list prices behind `prices: book`.", subcommands: [PricesImport.self, PricesDiff.self])
}

struct PricesImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Makes price lists from LiteLLM's model_prices_and_context_window.json.",
        discussion: """
            Prints one list, or with --to writes one file for each provider. A list that is there already is kept and continued: a price that changed \
            gets `valid_from` and the old one `valid_until`, so that what was in force is never edited. SLUICE_PRICES names the folder that policies use.
            """)

    @Argument(help: "The map.", completion: .file(extensions: ["json"]))
    var file: String

    @Option(help: ArgumentHelp("Only this provider, such as openai; may be given several times.", valueName: "name"))
    var provider: [String] = []

    @Option(help: ArgumentHelp("The day on which the map was read; else today.", valueName: "day"))
    var asOf: String?

    @Option(help: ArgumentHelp("Where to write the lists.", valueName: "dir"), completion: .directory)
    var to: String?

    func validate() throws {
        guard self.asOf.map({ Timestamp(rfc3339: $0) != nil && $0.count == 10 }) ?? true else {
            throw ValidationError("--as-of wants a day such as 2026-11-26.")
        }
        guard self.to != nil || self.provider.count == 1 else { throw ValidationError("Name one --provider, or a folder with --to.") }
    }

    func run() throws {
        let console = Console()
        let day = self.asOf ?? String(Timestamp.now.description.prefix(10))
        do {
            guard let json = FileManager.default.contents(atPath: self.file) else { throw PriceFileError(message: "\(self.file) cannot be read") }
            let map = try LiteLLMPriceMap(Array(json), providers: self.provider.isEmpty ? nil : Set(self.provider), asOf: day)
            guard !map.lists.isEmpty else {
                throw PriceFileError(message: "the map has no prices per token\(self.provider.isEmpty ? "" : " of that provider")")
            }
            for list in map.lists { try self.put(list, day: day, console) }
            console.talk(
                "\(map.lists.reduce(0) { $0 + $1.models.count }) models of \(map.lists.count) providers; left out: \(map.unpriced) without a price per token, "
                    + "\(map.free) whose prices are all 0")
        } catch {
            throw CommandFailure(message: "\(error)").report(as: .text, on: console)
        }
    }

    private func put(_ list: PriceList, day: String, _ console: Console) throws {
        let comment = [
            "List prices of \(list.provider), \(list.currency) per 1M tokens, one model a line; read by `prices: book` in policies.", "",
            "Made by `sluice prices import` from LiteLLM's price map (MIT, (c) 2023 Berri AI), as of \(day). List prices as third parties",
            "recorded them, not invoices; what a contract says goes into a policy's own `price:`.",
        ]
        guard let to else { return console.print(list.yaml(comment: comment), terminator: "") }
        let path = "\(to)/\(list.provider).yaml"
        var list = list
        if FileManager.default.fileExists(atPath: path) {
            let old: PriceList
            do { old = try PriceList(file: path) } catch { return console.talk("skipped: \(error)") }
            list = list.dated(after: old, on: Timestamp(rfc3339: day) ?? .now)
            if list.hosts.isEmpty { list.hosts = old.hosts }
            let newer = old.newer(than: day)
            if newer > 0 { console.talk("\(path): \(newer) models keep their prices, which are of a later day than \(day)") }
        }
        try FileManager.default.createDirectory(atPath: to, withIntermediateDirectories: true)
        try list.yaml(comment: comment).write(toFile: path, atomically: true, encoding: .utf8)
    }
}

struct PricesDiff: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Shows which prices a new price book changes, and what it would have changed for the ledger's last month.",
        discussion: """
            Stored tokens are priced twice, with the book in force and with the new one, both as they stand at one instant; prices that stand in the policy \
            itself stay.
            """)

    @Argument(help: "A folder or file of price lists, or LiteLLM's map.", completion: .file())
    var new: String

    @OptionGroup var policy: PolicyOptions
    @OptionGroup var data: DataOptions
    @OptionGroup var span: SpanOptions

    @Option(help: ArgumentHelp("When the prices are compared that are in force then, for those that begin later; else now.", valueName: "time"))
    var at: String?

    @Flag(help: "All prices that differ, not only those of models in use.")
    var all = false

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func validate() throws {
        guard self.at.map({ Timestamp(rfc3339: $0) != nil }) ?? true else {
            throw ValidationError("--at wants a time such as 2026-12-01, or 2026-12-01T00:00:00+01:00.")
        }
    }

    func run() throws {
        let console = Console()
        let now = Timestamp.now
        let instant = self.at.flatMap { Timestamp(rfc3339: $0) } ?? now
        do {
            let environment = ProcessInfo.processInfo.environment
            guard let folder = PriceBookFolder.find(environment: environment, executable: PriceBookFolder.executable) else {
                throw PriceFileError(message: "there is no price book here; SLUICE_PRICES names one")
            }
            let day = String(now.description.prefix(10))
            let (old, new) = (try PriceBook.read(folder, asOf: day), try PriceBook.read(self.new, asOf: day))
            let since = self.span.start(at: now) ?? now - .seconds(30 * 86_400)
            var difference = PricesDifference(since: since, until: self.span.end(at: now))
            let comparison = try self.comparison(old, new, since: since, at: now, prices: instant)
            difference.add(comparison)
            let inUse = Set(comparison.rows.flatMap { [$0.model, PriceBook.undated($0.model)] })
            difference.changes = PriceChange.all(from: old, to: new, at: instant).filter { self.all || inUse.contains($0.model) }.map(
                PricesDifference.Change.init)
            switch self.output {
            case .json: try console.print(json: difference)
            case .text: console.print(difference.text(TextStyle(console)), terminator: "")
            }
        } catch let failure as StoreError {
            throw CommandFailure(message: failure.message).report(as: self.output, on: console)
        } catch {
            throw CommandFailure(message: "\(error)").report(as: self.output, on: console)
        }
    }

    private func comparison(_ old: PriceBook, _ new: PriceBook, since: Timestamp, at now: Timestamp, prices instant: Timestamp) throws -> PriceComparison {
        guard let before = try self.policy.read(book: old, at: now).policy, let after = try self.policy.read(book: new, at: now).policy else {
            throw PriceFileError(message: "the policy does not load; `sluice check` tells why")
        }
        var comparison = PriceComparison(from: before, to: after, at: instant)
        guard self.data.folder(before).databaseFile != nil else { return comparison }
        var filter = LedgerFilter()
        filter.since = since
        filter.until = self.span.end(at: now)
        try SQLiteLedger(reading: try self.data.reader()).walk(filter) { _, entry in comparison.add(entry) }
        return comparison
    }
}
