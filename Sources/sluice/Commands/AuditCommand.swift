import ArgumentParser
import Crypto
import FoundationEssentials
import Glibc
import SluiceCore
import SluiceSQLite

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Checks the books.", subcommands: [AuditVerify.self, AuditCheckpoints.self, AuditRecompute.self, AuditReconcile.self])
}

struct AuditVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Checks that the chain of ledger entries is unbroken and unchanged.",
        discussion: """
            Without FILE it walks the ledger of the data folder, in place or copied, and compares columns, checkpoints and sums with the lines as \
            well. With FILE it checks what `sluice export ledger` printed; `-` is standard input. Exit code 1 means that an entry does not fit, 2 that the lines \
            may be an export with --tenant or --request-id, of which nothing can be said.
            """)

    @Argument(help: "An export of the ledger.", completion: .file())
    var file: String?

    @OptionGroup var data: DataOptions

    @Option(help: ArgumentHelp("An entry that must be there: it shows whether the end was cut off.", valueName: "seq:hash"))
    var head: String?

    @Flag(help: "FILE may begin anywhere in the chain, in the midst of an attempt as well.")
    var segment = false

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func validate() throws {
        guard self.head.map({ ChainVerifier.Place($0) != nil }) ?? true else { throw ValidationError("--head wants SEQ:HASH, the hash with 64 digits.") }
        guard !self.segment || self.file != nil else { throw ValidationError("--segment is for a FILE.") }
    }

    func run() throws {
        let console = Console()
        let wanted = self.head.flatMap { ChainVerifier.Place($0) }
        let outcome = try console.failing(as: self.output) { () throws(StoreError) -> VerifyOutcome in
            if let file { return try self.verify(file, wanted) }
            return try self.verifyStore(wanted)
        }
        if let filter = outcome.chain.filter, let bad = outcome.chain.firstBad {
            throw CommandFailure(
                message: "entry \(bad.seq) does not follow: \(bad.why). Either this is an export with \(filter), whose chain cannot be followed, "
                    + "or entries were taken out; what is there fits both",
                hint: "export the ledger without \(filter), or verify the data folder itself"
            ).report(as: self.output, on: console)
        }
        switch self.output {
        case .json: console.print(String(decoding: outcome.json, as: UTF8.self))
        case .text: console.print(outcome.text(TextStyle(console)), terminator: "")
        }
        if outcome.chain.firstBad != nil { throw ExitCode(1) }
    }

    private func verifyStore(_ wanted: ChainVerifier.Place?) throws(StoreError) -> VerifyOutcome {
        let progress = ProgressLine("entries")
        defer { progress.end() }
        do throws(StoreError) {
            let found = try SQLiteLedger(reading: try self.data.reader()).verify(wanted: wanted) { progress.show($0, of: $1) }
            return VerifyOutcome(chain: found.chain, checkpoints: found.checkpoints)
        } catch {
            // So damaged that it cannot even be opened: a finding like any other.
            guard error.tellsDamage else { throw error }
            var chain = self.chain(wanted)
            chain.fail(1, "the file is damaged (\(error.message))")
            return VerifyOutcome(chain: chain, checkpoints: 0)
        }
    }

    private func chain(_ wanted: ChainVerifier.Place?) -> ChainVerifier {
        ChainVerifier(wanted: wanted, from: self.segment ? .anywhere : .export) { line in
            SHA256.hash(data: line).withUnsafeBytes { ChainHash(bytes: $0) }
        }
    }

    private func verify(_ path: String, _ wanted: ChainVerifier.Place?) throws(StoreError) -> VerifyOutcome {
        var chain = self.chain(wanted)
        var lines = try LineFile(path)
        while let line = try lines.next() { chain.check(line) }
        chain.finish()
        return VerifyOutcome(chain: chain, checkpoints: 0)
    }
}

/// What `audit verify` says.
struct VerifyOutcome {
    var chain: ChainVerifier
    var checkpoints: Int

    var json: [UInt8] {
        var json = JSONFields(capacity: 512)
        json.add("schema", "sluice.verify/v1")
        json.add("ok", self.chain.firstBad == nil)
        json.add("entries", self.chain.entries)
        json.add(
            "first_bad",
            object: self.chain.firstBad.map { bad in
                VerifyOutcome.object {
                    $0.add("seq", Int(bad.seq)); $0.add("why", bad.why)
                }
            })
        json.add("head", object: self.chain.head.map(VerifyOutcome.object))
        json.add("checkpoints", self.checkpoints)
        json.add(
            "segment",
            object: self.chain.segment.map { first in
                VerifyOutcome.object {
                    $0.add("first", Int(first.seq)); $0.add("prev_hash", first.hash.hex); $0.add("reason", self.chain.isRetained ? "retention" : "export")
                }
            })
        return json.object
    }

    private static func object(_ place: ChainVerifier.Place) -> JSONFields {
        self.object {
            $0.add("seq", Int(place.seq)); $0.add("hash", place.hash.hex)
        }
    }

    private static func object(_ write: (inout JSONFields) -> Void) -> JSONFields {
        var json = JSONFields(capacity: 128)
        write(&json)
        return json
    }

    func text(_ style: TextStyle) -> String {
        if let bad = self.chain.firstBad { return style.bad("entry \(bad.seq) does not fit") + ": \(bad.why)\n" }
        guard let head = self.chain.head else { return style.good("ok") + ": the ledger is empty\n" }
        var text = style.good("ok") + ": \(ReportText.grouped("\(self.chain.entries)")) entries"
        if let segment = self.chain.segment {
            text += ", a segment that begins with entry \(segment.seq); what is before it "
            text += self.chain.isRetained ? "was deleted, and the checkpoint \(segment.seq - 1):\(segment.hash.hex) stands for it" : "was not seen"
        }
        if self.checkpoints > 0 { text += ", \(self.checkpoints) checkpoints" }
        return text + "\nhead \(head.seq):\(head.hash.hex)\n"
    }
}
