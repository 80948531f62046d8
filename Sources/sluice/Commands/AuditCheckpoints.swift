import ArgumentParser
import SluiceCore
import SluiceSQLite

struct AuditCheckpoints: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoints", abstract: "Prints the hourly checkpoints of the chain, to be kept elsewhere.",
        discussion: "One that was kept is what `sluice audit verify --head SEQ:HASH` takes: it shows whether the end of the ledger was cut off since.")

    @OptionGroup var data: DataOptions

    @Option(help: ArgumentHelp("How many, the newest.", valueName: "count"))
    var last = 24

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func validate() throws {
        guard self.last > 0 else { throw ValidationError("--last wants a number of checkpoints.") }
    }

    func run() throws {
        let console = Console()
        let found = try console.failing(as: self.output) { () throws(StoreError) in
            try SQLiteLedger(reading: try self.data.reader()).checkpoints(newest: self.last)
        }
        switch self.output {
        case .json: console.print(String(decoding: AuditCheckpoints.json(found), as: UTF8.self))
        case .text:
            if found.isEmpty { return console.print("There is none yet: one is written with the first entry of the next hour.") }
            var table = TextTable([.init(title: "head"), .init(title: "at"), .init(title: "cost", alignment: .right)])
            table.rows = found.map { ["\($0.place.seq):\($0.place.hash.hex)", $0.at.description, $0.totals.cost.description] }
            console.print(table.text(TextStyle(console)), terminator: "")
        }
    }

    private static func json(_ checkpoints: [LedgerCheckpoint]) -> [UInt8] {
        var json = JSONFields(capacity: 4096)
        json.add("schema", "sluice.checkpoints/v1")
        json.add(
            "data",
            objects: checkpoints.map { checkpoint in
                var json = JSONFields(capacity: 512)
                json.add("seq", Int(checkpoint.place.seq))
                json.add("hash", checkpoint.place.hash.hex)
                json.add("at", checkpoint.at)
                json.add("entries", checkpoint.entries)
                json.add("totals", json: checkpoint.totals.text)
                return json
            })
        json.add("has_more", false)
        json.add("last_id", checkpoints.last.map { String($0.place.seq) })
        return json.object
    }
}
