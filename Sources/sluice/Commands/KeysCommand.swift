import ArgumentParser
import FoundationEssentials
import SluiceCore
import SluiceSQLite

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Makes, lists and revokes API keys.",
        discussion: "Only a key's SHA-256 is kept, so it is shown once. A running server follows each change at once.",
        subcommands: [KeysNew.self, KeysList.self, KeysRevoke.self])
}

struct KeysNew: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "new", abstract: "Makes a key and shows it, this once.")

    @Argument(help: "A name for it, such as the service that will use it; ledger and reports show it.")
    var name: String

    @Option(help: "The tenant it belongs to; else the policy decides by the key's name.")
    var tenant: String?

    @OptionGroup var data: DataOptions

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func run() throws {
        let console = Console()
        let made = try console.failing(as: self.output) { () throws(StoreError) in
            try StoreAccess(folder: self.data.folder()).change(
                served: { client throws(StoreError) in
                    try client.send("POST", "/api/keys", query: [("name", self.name)] + (self.tenant.map { [("tenant", $0)] } ?? []))
                },
                alone: { database throws(StoreError) in
                    let now = Timestamp.now
                    let key = try awaiting { SQLiteKeyStore(database).make(self.name, tenant: self.tenant, at: now, then: $0) }
                    return KeyListing.made(key, name: self.name, tenant: self.tenant, at: now)
                })
        }
        switch self.output {
        case .json: console.print(String(decoding: made, as: UTF8.self))
        case .text:
            struct Made: Decodable { var key: String }
            console.print(try JSONDecoder().decode(Made.self, from: Data(made)).key)
            console.talk("This is the only time that the key is shown.")
        }
    }
}

struct KeysList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "Lists keys by their names, revoked ones too.")

    @OptionGroup var data: DataOptions

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func run() throws {
        let console = Console()
        let keys = try console.failing(as: self.output) { () throws(StoreError) in try SQLiteKeyStore(reading: try self.data.reader()).all() }
        switch self.output {
        case .json: console.print(String(decoding: KeyListing.json(keys), as: UTF8.self))
        case .text:
            guard !keys.isEmpty else { return console.talk("There is no key; `sluice keys new NAME` makes one.") }
            var table = TextTable([.init(title: "name"), .init(title: "tenant"), .init(title: "created"), .init(title: "revoked")])
            table.rows = keys.map { [$0.name, $0.tenant ?? "(by policy)", $0.created.words, $0.revoked?.words ?? ""] }
            console.print(table.text(TextStyle(console)), terminator: "")
        }
    }
}

struct KeysRevoke: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "revoke", abstract: "Makes a key invalid at once.")

    @Argument(help: "The key's name.")
    var name: String

    @OptionGroup var data: DataOptions

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func run() throws {
        let console = Console()
        let answer = try console.failing(as: self.output) { () throws(StoreError) in
            try StoreAccess(folder: self.data.folder()).change(
                served: { client throws(StoreError) in try client.send("DELETE", "/api/keys/" + AdminClient.escaped(self.name)) },
                alone: { database throws(StoreError) in
                    guard try awaiting({ SQLiteKeyStore(database).revoke(self.name, at: .now, then: $0) }) else {
                        throw StoreError(.other, "there is no key `\(self.name)`")
                    }
                    return Array("{\"schema\":\"sluice.key_revoked/v1\",\"revoked\":true}".utf8)
                })
        }
        switch self.output {
        case .json: console.print(String(decoding: answer, as: UTF8.self))
        case .text: console.print("The key \(self.name) is revoked.")
        }
    }
}

extension Timestamp {
    /// For people: to the minute, in UTC.
    var words: String { self.description.prefix(10) + " " + self.description.dropFirst(11).prefix(5) + " UTC" }
}
