import ArgumentParser
import FoundationEssentials
import SluiceCore
import SluiceSQLite
import SluiceServer

struct QueueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue", abstract: "Shows and changes the work that waits.",
        subcommands: [QueueList.self, QueueBatches.self, QueueDeliveries.self, QueueShow.self, QueueCancel.self, QueueRetry.self])
}

struct QueueList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "Lists jobs, newest first; those that wait or run if nothing else is asked.")

    @Option(help: ArgumentHelp("held, ready, running, done, failed, expired or cancelled, several with commas; `all` for all of them.", valueName: "list"))
    var status: String?

    @Option(help: "Only jobs of this tenant.")
    var tenant: String?

    @Option(help: "How many at most.")
    var limit = 100

    @Option(help: ArgumentHelp("Only those before this job.", valueName: "id"))
    var after: String?

    @OptionGroup var data: DataOptions

    @Option(help: "text or json.")
    var output = OutputFormat.text

    private var states: [JobState]? {
        guard let status else { return [.held, .ready, .leased, .bundled] }
        if status == "all" { return [] }
        let names = status.split(separator: ",").map { JobState.named($0.trimmed) }
        return names.allSatisfy { !$0.isEmpty } ? names.flatMap { $0 } : nil
    }

    func validate() throws {
        guard self.states != nil else { throw ValidationError("--status knows held, ready, running, done, failed, expired, cancelled and all.") }
        guard (1...100_000).contains(self.limit) else { throw ValidationError("--limit is from 1 to 100000.") }
    }

    func run() throws {
        let console = Console()
        let (jobs, hasMore) = try console.failing(as: self.output) { () throws(StoreError) in
            let store = SQLiteJobStore(reading: try self.data.reader())
            guard let page = try store.jobs(tenant: self.tenant, states: self.states ?? [], limit: self.limit, after: self.after) else {
                throw StoreError(.other, "there is no job \(self.after ?? "")")
            }
            return page
        }
        switch self.output {
        case .json: console.print(String(decoding: QueueListing.json(jobs, hasMore: hasMore), as: UTF8.self))
        case .text:
            guard !jobs.isEmpty else { return console.talk(self.status == nil ? "Nothing waits and nothing runs." : "There is no such job.") }
            console.print(JobTable(jobs, at: .now).text(TextStyle(console)), terminator: "")
            if hasMore { console.talk("There are more; go on with --after \(jobs.last?.id ?? "").") }
        }
    }
}

struct QueueShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows one job with what became of each of its calls, or one batch; both with their webhooks.")

    @Argument(help: "The id of a job or a batch.")
    var id: String

    @OptionGroup var data: DataOptions

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func run() throws {
        let console = Console()
        let (json, text) = try console.failing(as: self.output) { () throws(StoreError) in
            let reader = try self.data.reader()
            let deliveries = try SQLiteWebhookStore(reading: reader).deliveries(about: self.id)
            if let batch = try SQLiteBatchStore(reading: reader).batch(self.id, tenant: nil) {
                let table = BatchTable(batches: [batch], now: .now).text(TextStyle(console))
                let told = deliveries.isEmpty ? "" : "\n" + DeliveryTable(deliveries: deliveries, now: .now).text(TextStyle(console))
                return (BatchListing.json(batch, deliveries: deliveries), table + told)
            }
            guard let job = try SQLiteJobStore(reading: reader).job(self.id, tenant: nil) else {
                throw StoreError(.other, "there is no job and no batch \(self.id)")
            }
            let history = JobHistory(job, rows: try SQLiteLedger(reading: reader).rows(ofRequest: job.requestID), deliveries: deliveries)
            return (history.json, history.text(TextStyle(console)))
        }
        switch self.output {
        case .json: console.print(String(decoding: json, as: UTF8.self))
        case .text: console.print(text, terminator: "")
        }
    }
}

struct QueueCancel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Cancels a job or a batch; what is in flight is dropped and booked, what is finished stays.")

    @Argument(help: "The id of a job or a batch.")
    var id: String

    @OptionGroup var data: DataOptions

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func run() throws {
        try QueueChange(id: self.id, action: "cancel", folder: self.data.folder(), output: self.output).run(
            job: { store, then in store.cancel(self.id, tenant: nil, at: .now) { then($0.map { $0?.job }) } },
            batch: { store, then in store.cancelBatch(self.id, tenant: nil, at: .now) { then($0.map { $0?.batch }) } })
    }
}

struct QueueRetry: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Lets a job, or those lines of a batch, that failed, expired or were cancelled run again, with as much time as at first.")

    @Argument(help: "The id of a job or a batch.")
    var id: String

    @OptionGroup var data: DataOptions

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func run() throws {
        try QueueChange(id: self.id, action: "retry", folder: self.data.folder(), output: self.output).run(
            job: { store, then in store.retry(self.id, tenant: nil, at: .now, then: then) },
            batch: { store, then in store.retryBatch(self.id, tenant: nil, at: .now, then: then) })
    }
}

extension String {
    /// The id of a batch, of either wire format, and not of a job.
    fileprivate var isBatchID: Bool { self.hasPrefix("batch_") || self.hasPrefix("msgbatch_") }
}

/// What `queue cancel` and `queue retry` have in common.
private struct QueueChange {
    let id: String
    let action: String
    let folder: DataFolder
    let output: OutputFormat

    func run(
        job changeJob: (SQLiteJobStore, @escaping @Sendable (Result<Job?, StoreError>) -> Void) -> Void,
        batch changeBatch: (SQLiteBatchStore, @escaping @Sendable (Result<Batch?, StoreError>) -> Void) -> Void
    ) throws {
        let console = Console()
        let answer = try console.failing(as: self.output) { () throws(StoreError) in
            try StoreAccess(folder: self.folder).change(
                served: { client throws(StoreError) in try client.send("POST", "/api/queue/\(AdminClient.escaped(self.id))/\(self.action)") },
                alone: { database throws(StoreError) in
                    if self.id.isBatchID {
                        guard let batch = try awaiting({ changeBatch(SQLiteBatchStore(database), $0) }) else { throw self.unknown }
                        return BatchListing.json(batch, deliveries: [])
                    }
                    guard let job = try awaiting({ changeJob(SQLiteJobStore(database), $0) }) else { throw self.unknown }
                    return QueueListing.json(job)
                })
        }
        switch self.output {
        case .json: console.print(String(decoding: answer, as: UTF8.self))
        case .text:
            struct Changed: Decodable { var status: String }
            console.print("\(self.id.isBatchID ? "Batch" : "Job") \(self.id) is now \(try JSONDecoder().decode(Changed.self, from: Data(answer)).status).")
        }
    }

    private var unknown: StoreError { StoreError(.other, "there is no \(self.id.isBatchID ? "batch" : "job") \(self.id)") }
}
