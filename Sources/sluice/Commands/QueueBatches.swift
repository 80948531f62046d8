import ArgumentParser
import SluiceCore
import SluiceSQLite
import SluiceServer

struct QueueBatches: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "batches", abstract: "Lists batches, newest first.")

    @Flag(help: "Anthropic's message batches instead of OpenAI's batches.")
    var messages = false

    @Option(help: "Only batches of this tenant.")
    var tenant: String?

    @Option(help: "How many at most.")
    var limit = 100

    @Option(help: ArgumentHelp("Only those before this batch.", valueName: "id"))
    var after: String?

    @OptionGroup var data: DataOptions

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func validate() throws {
        guard (1...100_000).contains(self.limit) else { throw ValidationError("--limit is from 1 to 100000.") }
    }

    func run() throws {
        let console = Console()
        let found = try console.failing(as: self.output) { () throws(StoreError) in
            var page = PageRequest(limit: self.limit)
            if let after { page.cursor = .after(after) }
            let store = SQLiteBatchStore(reading: try self.data.reader())
            guard let found = try store.batches(self.messages ? .messages : .openAI, tenant: self.tenant, page: page) else {
                throw StoreError(.other, "there is no batch \(self.after ?? "")")
            }
            return found
        }
        switch self.output {
        case .json: console.print(String(decoding: BatchListing.json(found.data, hasMore: found.hasMore), as: UTF8.self))
        case .text:
            guard !found.data.isEmpty else { return console.talk("There is no batch.") }
            console.print(BatchTable(batches: found.data, now: .now).text(TextStyle(console)), terminator: "")
            if found.hasMore { console.talk("There are more; go on with --after \(found.data.last?.id ?? "").") }
        }
    }
}

struct QueueDeliveries: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deliveries", abstract: "Lists what was told to webhook endpoints, or waits to be, newest first.")

    @Option(help: "How many at most.")
    var limit = 100

    @OptionGroup var data: DataOptions

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func run() throws {
        let console = Console()
        let deliveries = try console.failing(as: self.output) { () throws(StoreError) in
            try SQLiteWebhookStore(reading: try self.data.reader()).deliveries(limit: max(1, self.limit))
        }
        switch self.output {
        case .json: console.print(String(decoding: BatchListing.json(deliveries), as: UTF8.self))
        case .text:
            guard !deliveries.isEmpty else { return console.talk("No webhook was sent and none waits.") }
            console.print(DeliveryTable(deliveries: deliveries, now: .now).text(TextStyle(console)), terminator: "")
        }
    }
}
