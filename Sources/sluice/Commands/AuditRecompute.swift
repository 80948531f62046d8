import ArgumentParser
import FoundationEssentials
import SluiceCore
import SluicePolicy
import SluiceSQLite

struct AuditRecompute: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recompute", abstract: "Prices the ledger's stored tokens again by the policy's rate cards, and appends what differs as corrections.",
        discussion: """
            No entry is ever changed: a correction names the one it is about and carries the signed difference. Run again it finds nothing. A running \
            server does it by the policy that it serves; where none runs, the policy of --config counts.
            """)

    @OptionGroup var policy: PolicyOptions
    @OptionGroup var data: DataOptions
    @OptionGroup var span: SpanOptions

    @Flag(help: "Say what would be corrected, and write nothing.")
    var dryRun = false

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func run() throws {
        let console = Console()
        let now = Timestamp.now
        let policy = try? self.policy.read(at: now).policy
        let answer = try console.failing(as: self.output) { () throws(StoreError) in
            let folder = self.data.folder(policy)
            if self.dryRun, AdminClient(folder) == nil { return try self.foresee(try self.known(policy), in: folder, at: now) }
            return try StoreAccess(folder: folder).change(
                served: { client throws(StoreError) in try client.send("POST", "/api/audit/recompute", query: self.query(at: now)) },
                alone: { database throws(StoreError) in try self.correct(by: try self.known(policy), in: SQLiteLedger(database), at: now) })
        }
        switch self.output {
        case .json: console.print(String(decoding: answer, as: UTF8.self))
        case .text: console.print(try JSONDecoder().decode(RecomputeOutcome.self, from: Data(answer)).text(TextStyle(console)), terminator: "")
        }
    }

    private func known(_ policy: PolicySet?) throws(StoreError) -> PolicySet {
        guard let policy else {
            throw StoreError(.other, "no policy loads, so there are no prices; name it with --config, and `sluice check` tells what is wrong")
        }
        return policy
    }

    private func query(at now: Timestamp) -> [(String, String)] {
        let times = [("since", self.span.start(at: now)), ("until", self.span.end(at: now))]
        return times.compactMap { name, time in time.map { (name, $0.description) } } + (self.dryRun ? [("dry_run", "true")] : [])
    }

    private func filter(at now: Timestamp) -> LedgerFilter {
        var filter = LedgerFilter()
        filter.since = self.span.start(at: now)
        filter.until = self.span.end(at: now)
        return filter
    }

    private func foresee(_ policy: PolicySet, in folder: DataFolder, at now: Timestamp) throws(StoreError) -> [UInt8] {
        var recomputation = Recomputation(policy: policy)
        try recomputation.run(over: SQLiteLedger(reading: try folder.reader()), self.filter(at: now), at: now)
        return recomputation.json(isWritten: false)
    }

    private func correct(by policy: PolicySet, in ledger: SQLiteLedger, at now: Timestamp) throws(StoreError) -> [UInt8] {
        var recomputation = Recomputation(policy: policy)
        try recomputation.run(over: ledger, self.filter(at: now), at: now) { entries throws(StoreError) in try ledger.commit(entries) }
        return recomputation.json(isWritten: true)
    }
}

extension SQLiteLedger {
    /// Appends entries and waits until they are durable.
    func commit(_ entries: [LedgerEntry]) throws(StoreError) {
        try awaiting { done in
            self.append(entries.map { SealedEntry($0) }, committed: done)
            self.flush { _ in }
        }
    }
}
