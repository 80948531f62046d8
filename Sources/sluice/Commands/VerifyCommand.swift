import ArgumentParser
import SluiceCore
import SluiceSQLite

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Shows what substitutes answered beside what their originals did (`verify:` of a substitution).",
        subcommands: [VerifyList.self, VerifyShow.self])
}

struct VerifyList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "Lists verifications, newest first.")

    @Option(help: "Only those of this tenant's requests.")
    var tenant: String?

    @Option(help: "How many at most.")
    var limit = 100

    @Option(help: ArgumentHelp("Only those before this job.", valueName: "id"))
    var after: String?

    @OptionGroup var data: DataOptions

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func validate() throws {
        guard (1...100_000).contains(self.limit) else { throw ValidationError("--limit is from 1 to 100000.") }
    }

    func run() throws {
        let console = Console()
        let (page, hasMore) = try console.failing(as: self.output) { () throws(StoreError) in
            let store = SQLiteVerificationStore(reading: try self.data.reader())
            guard let found = try store.verifications(tenant: self.tenant, limit: self.limit, after: self.after) else {
                throw StoreError(.other, "there is no verification \(self.after ?? "")")
            }
            return found
        }
        switch self.output {
        case .json: console.print(String(decoding: VerificationListing.json(page, hasMore: hasMore), as: UTF8.self))
        case .text:
            guard !page.isEmpty else { return console.talk("No substitute was verified yet.") }
            console.print(VerificationListing.text(page, at: .now, TextStyle(console)), terminator: "")
            if hasMore { console.talk("There are more; go on with --after \(page.last?.job.id ?? "").") }
        }
    }
}

struct VerifyShow: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Shows both answers to one request.")

    @Argument(help: "The id of the request, or of the job that verifies it.")
    var id: String

    @OptionGroup var data: DataOptions

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func run() throws {
        let console = Console()
        let comparison = try console.failing(as: self.output) { () throws(StoreError) in
            let reader = try self.data.reader()
            guard let (verification, original) = try SQLiteVerificationStore(reading: reader).verification(self.id) else {
                throw StoreError(.other, "there is no verification of \(self.id)")
            }
            let rows = try SQLiteLedger(reading: reader).rows(ofRequest: verification.job.requestID)
            return AnswerComparison(verification, original: original, rows: rows)
        }
        switch self.output {
        case .json: console.print(String(decoding: comparison.json, as: UTF8.self))
        case .text: console.print(comparison.text(TextStyle(console)), terminator: "")
        }
    }
}
