import FoundationEssentials
import GRDB
import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting

/// Flips one byte of one row, again and again, in an export and in the file of a ledger: `sluice audit verify` must find each (`promises.md` P12).
struct TamperRun {
    /// `sluice`.
    let program: String
    let rounds: Int
    private let entries = 300
    private let hours = 3

    /// Prints how many of them were found; the seed makes the same ones again.
    func run(seed: UInt64) throws {
        var generator = SplitMix64(seed)
        let folder = TemporaryFolder()
        try self.fill(DataFolder(folder.path))
        let export = folder.path + "/ledger.jsonl"
        try self.export(DataFolder(folder.path), to: export)
        guard self.verdict(on: export) == 0, self.verdict(on: folder.path) == 0 else {
            throw StoreError(.other, "the books are wrong before anything is changed")
        }
        let inExport = try self.flip(self.lines(of: export), in: export, judged: export, &generator)
        let database = DataFolder(folder.path).database
        let inFile = try self.flip(self.rows(of: database), in: database, judged: folder.path, &generator)
        say("tamper seed \(seed): \(inExport) of \(self.rounds) found in an export, \(inFile) of \(self.rounds) in the file")
        if inExport < self.rounds || inFile < self.rounds { exit(1) }
    }

    // MARK: The books

    private func fill(_ folder: DataFolder) throws {
        let database = try SQLiteDatabase(.init(folder: folder), at: Sample.now)
        let ledger = SQLiteLedger(database)
        for number in 0..<self.entries {
            let at = Sample.now + .milliseconds(Int64(number) * Int64(3_600_000 * self.hours) / Int64(self.entries))
            let group = self.group(number, at: at)
            try waiting { told in
                if number % 10 == 6 {
                    ledger.append(closing: group[0], begun: at + .milliseconds(-20), committed: told)
                } else {
                    ledger.append(group.map { SealedEntry($0) }, committed: told)
                }
            }
        }
        try database.close(at: Sample.now + .seconds(3600 * Int64(self.hours)))
    }

    /// The entries of one attempt: of every kind, certain and not, tagged and not.
    private func group(_ number: Int, at: Timestamp) -> [LedgerEntry] {
        let subject = Sample.subject(
            "req_\(number)", tenant: "team-\(number % 4)", trafficClass: "class-\(number % 3)", tags: number % 3 == 0 ? ["job": "eval-\(number % 7)"] : [:],
            serve: number % 10 == 9 ? .later : .now)
        var end = Sample.settled(subject, at: at, cost: number % 8 == 5 ? nil : Money("0.00276"), baseline: number % 5 == 3 ? nil : Money("0.004"))
        switch number % 10 {
        case 7:
            end.kind = .inDoubt
            end.settlement?.evidence = .inDoubt
            end.settlement?.cost = nil
            end.settlement?.costLow = .zero
        case 8:
            end.kind = .waste
            end.settlement?.outcome = .clientGone
        case 9: return [Sample.intent(subject, at: at).entry, end]
        default: break
        }
        return [end]
    }

    private func export(_ folder: DataFolder, to path: String) throws {
        let lines = try ChildProcess([self.program, "export", "ledger", "--data", folder.path]).rest()
        try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: URL(filePath: path))
    }

    private func lines(of path: String) throws -> [[Int]] {
        let file = try Array(Data(contentsOf: URL(filePath: path)))
        return file.indices.split { file[$0] == 0x0A }.map(Array.init)
    }

    /// Of the entries and of all that is summed from them.
    private func rows(of path: String) throws -> [[Int]] {
        let file = try Array(Data(contentsOf: URL(filePath: path)))
        let roots = try DatabaseQueue(path: path).read { db in
            try Int.fetchAll(db, sql: "SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name IN ('ledger', 'ledger_hour', 'checkpoint', 'rollup')")
        }
        return roots.flatMap { StoredRows(file, rootPage: $0).rows }
    }

    // MARK: Flips

    /// How many of the flips are found. A row of a database may be written in two ways that read the same (the length of a number that is not
    /// stored); such a flip changes nothing, and another is made for it.
    private func flip(_ rows: [[Int]], in path: String, judged: String, _ generator: inout SplitMix64) throws -> Int {
        let file = open(path, O_RDWR | O_CLOEXEC)
        guard file >= 0 else { throw StoreError(.other, "cannot open \(path)") }
        defer { close(file) }
        let before = judged == path ? nil : try self.content(of: path)
        var (found, made) = (0, 0)
        while made < self.rounds {
            let offset = rows.randomElement(using: &generator)?.randomElement(using: &generator) ?? 0
            var byte: UInt8 = 0
            pread(file, &byte, 1, offset)
            var other = byte ^ UInt8.random(in: 1...255, using: &generator)
            pwrite(file, &other, 1, offset)
            defer { pwrite(file, &byte, 1, offset) }
            let verdict = self.verdict(on: judged)
            if verdict == 0, let before, try before == self.content(of: path) { continue }
            made += 1
            if verdict == 1 { found += 1 } else { say("byte \(offset) of \(path), \(byte) -> \(other): exit code \(verdict)") }
        }
        return found
    }

    private func content(of path: String) throws -> [String] {
        try DatabaseQueue(path: path).read { db in
            try String.fetchAll(
                db,
                sql: """
                    SELECT quote(seq) || quote(at_ms) || quote(request_id) || quote(attempt) || quote(part) || quote(line) || quote(hash) || quote(begun_ms)
                      FROM ledger
                    UNION ALL SELECT quote(hour_ms) || quote(first_seq) || quote(last_seq) || quote(entries) FROM ledger_hour
                    UNION ALL SELECT quote(seq) || quote(hash) || quote(at_ms) || quote(entries) || quote(totals) FROM checkpoint
                    UNION ALL SELECT quote(by_tag) || quote(hour_ms) || quote(tag) || quote(currency) || quote(tenant) || quote(api_key) || quote(class)
                      || quote(route) || quote(backend) || quote(model) || quote(measures) FROM rollup
                    """)
        }
    }

    /// The exit code of `audit verify` on an export or a folder.
    private func verdict(on path: String) -> Int32 {
        let what = path.hasSuffix(".jsonl") ? [path] : ["--data", path]
        do {
            let child = try ChildProcess([self.program, "audit", "verify", "--output", "json"] + what)
            _ = child.rest()
            return child.wait()
        } catch { return -1 }
    }
}
