import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting

/// Kills a ``RestlessWriter`` again and again on one folder, and counts what was acknowledged and is missing (`promises.md` P1, P2, P4, P5).
struct KillLoop {
    private static let leastLines = 20
    private static let mostLines = 1200

    let rounds: Int

    func run() throws {
        let folder = TemporaryFolder()
        var seen = Seen()
        var missing: [String] = []
        var longest = Duration.zero
        for _ in 0..<self.rounds {
            let writer = try ChildProcess([try ChildProcess.product("sluice-store-probe"), "write", folder.path, "\(seen.next)"])
            var thisRound = Seen()
            for _ in 0..<Int.random(in: KillLoop.leastLines...KillLoop.mostLines) {
                guard let line = writer.line() else { throw ChildProcess.Failure(description: "the writer ended by itself") }
                thisRound.add(line)
            }
            writer.kill()
            for line in writer.rest() { thisRound.add(line) }
            writer.wait()
            seen.add(thisRound)
            let start = ContinuousClock.now
            missing += try self.missing(thisRound, in: DataFolder(folder.path))
            longest = max(longest, ContinuousClock.now - start)
        }
        missing += try self.missing(seen, in: DataFolder(folder.path))
        for line in missing.prefix(5) { say(line) }
        say("kills: \(self.rounds) rounds, \(seen.acknowledged) acknowledgements, \(missing.count) missing, longest restart and check \(longest)")
        if !missing.isEmpty { exit(1) }
    }

    private struct Seen {
        var stored: Set<String> = []
        var begun: Set<String> = []
        var done: Set<String> = []
        var rows: Set<String> = []
        var next = 0

        var acknowledged: Int { self.stored.count + self.begun.count + self.done.count + self.rows.count }

        mutating func add(_ other: Seen) {
            self.stored.formUnion(other.stored)
            self.begun.formUnion(other.begun)
            self.done.formUnion(other.done)
            self.rows.formUnion(other.rows)
            self.next = max(self.next, other.next)
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

    /// Looks as the next process does, after its recovery.
    private func missing(_ seen: Seen, in folder: DataFolder) throws -> [String] {
        let database = try SQLiteDatabase(.init(folder: folder), at: Sample.now)
        let (jobs, ledger) = (SQLiteJobStore(database), SQLiteLedger(database))
        _ = try waiting { jobs.recover(at: Sample.now, then: $0) }
        var missing: [String] = []
        for id in seen.stored where try jobs.job(id, tenant: nil) == nil { missing.append("\(id) is lost") }
        for id in seen.done {
            if try jobs.job(id, tenant: nil)?.state != .done || jobs.result(of: id, tenant: nil) == nil { missing.append("the answer of \(id) is lost") }
        }
        // Every call that was begun has one end: what it cost, or that nobody knows.
        for id in seen.begun {
            let kinds = try ledger.rows(ofRequest: id).map { try LedgerLine.read($0.line).entry }
            let attempts = Set(kinds.compactMap(\.attempt))
            for attempt in attempts where kinds.filter({ $0.attempt == attempt && $0.kind.isEnd }).count != 1 {
                missing.append("attempt \(attempt) of \(id) has not one end")
            }
            if attempts.isEmpty { missing.append("the intent of \(id) is lost") }
        }
        for id in seen.rows where try ledger.rows(ofRequest: id).count != 2 { missing.append("the intent or the end of \(id) is lost") }
        if let bad = try ledger.verify(wanted: nil).chain.firstBad { missing.append("the chain is broken at \(bad)") }
        try database.close(at: Sample.now)
        return missing
    }
}
