import Glibc
import GRDB
import SluiceCore
import SluiceSQLite
import SluiceTesting
import Testing

/// A process that is killed while it writes, again and again on one folder (`promises.md` P1, P2, P4).
@Suite struct KillTests {
    @Test func whatWasAcknowledgedIsThere() throws {
        let folder = TemporaryFolder()
        var seen = Seen()
        var all = Seen()
        for round in 0..<8 {
            let writer = try ChildProcess([ChildProcess.product("sluice-store-probe"), "write", folder.path, "\(seen.next)"])
            let limit = Int.random(in: 20...400)
            for _ in 0..<limit { seen.add(try #require(writer.line(), "the writer ended by itself")) }
            writer.kill()
            for line in writer.rest() { seen.add(line) }
            try self.check(seen, folder, round: round)
            all.add(seen)
            seen.forget()
        }
        try self.check(all, folder, round: -1)
        #expect(all.stored.count > 300 && all.done.count > 50)
    }

    private struct Seen {
        var stored: Set<String> = []
        var begun: Set<String> = []
        var done: Set<String> = []
        var rows: Set<String> = []
        var next = 0

        mutating func add(_ other: Seen) {
            self.stored.formUnion(other.stored)
            self.begun.formUnion(other.begun)
            self.done.formUnion(other.done)
            self.rows.formUnion(other.rows)
        }

        mutating func forget() {
            let next = self.next
            self = Seen()
            self.next = next
        }

        mutating func add(_ line: String) {
            let parts = line.split(separator: " ")
            guard parts.count == 2 else { return }
            switch parts[0] {
            case "ACK":
                self.stored.insert("job_\(parts[1])")
                // What was asked for but not acknowledged may be there too.
                self.next = max(self.next, (Int(parts[1]) ?? 0) + 100)
            case "BEGUN": self.begun.insert("req_job_\(parts[1])")
            case "DONE": self.done.insert("job_\(parts[1])")
            case "ROW": self.rows.insert("req_live_\(parts[1])")
            default: break
            }
        }
    }

    private func check(_ seen: Seen, _ folder: TemporaryFolder, round: Int) throws {
        let reader = try StoreReader(file: DataFolder(folder.path).database)
        let (jobs, ledger) = (SQLiteJobStore(reading: reader), SQLiteLedger(reading: reader))
        for id in seen.stored { try #require(try jobs.job(id, tenant: nil) != nil, "round \(round): \(id) is lost") }
        for id in seen.done {
            try #require(
                try jobs.job(id, tenant: nil)?.state == .done && jobs.result(of: id, tenant: nil) != nil, "round \(round): the answer of \(id) is lost")
            let ends = try ledger.rows(ofRequest: "req_" + id).map { try LedgerLine.read($0.line).entry.kind }.filter { $0 == .settled }
            #expect(ends.count == 1, "round \(round): \(id) is settled \(ends.count) times")
        }
        for id in seen.begun { #expect(try ledger.rows(ofRequest: id).isEmpty == false, "round \(round): the intent of \(id) is lost") }
        for id in seen.rows { #expect(try ledger.rows(ofRequest: id).isEmpty == false, "round \(round): the entry of \(id) is lost") }
        let found = try ledger.verify(wanted: nil)
        #expect(found.chain.firstBad == nil, "round \(round): \(String(describing: found.chain.firstBad))")
    }
}
