import FoundationEssentials
import GRDB
import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting

/// Kills the opening of a store of schema 3 at its n-th call, for every n until it is through (`promises.md` P11).
struct MigrationLoop {
    /// The statements that make the old store.
    let fixture: String
    /// Every so many places are tried.
    let step: Int

    func run() throws {
        let old = TemporaryFolder()
        try OldStore.make(self.fixture, in: old.path)
        var (runs, lost) = (0, 0)
        for call in ["pwrite64", "fdatasync", "ftruncate", "unlink"] {
            var place = Int.random(in: 1...self.step)
            while true {
                let folder = TemporaryFolder()
                try FileManager.default.copyItem(atPath: old.path + "/sluice.db", toPath: folder.path + "/sluice.db")
                let run = try ChildProcess([
                    "/usr/bin/strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e", "inject=\(call):signal=KILL:when=\(place)",
                    try ChildProcess.product("sluice-store-probe"), "open", folder.path,
                ])
                _ = run.rest()
                guard run.wait() != 0 else { break }
                runs += 1
                if let loss = OldStore.loss(in: folder.path) {
                    lost += 1
                    say("\(call) \(place): \(loss)")
                }
                place += self.step
            }
        }
        say("migrations: \(runs) kills, \(lost) lost")
        if lost > 0 { exit(1) }
    }
}

/// A store of schema 3 with seven jobs.
private enum OldStore {
    static func make(_ fixture: String, in folder: String) throws {
        var configuration = Configuration()
        // The tables come in the order of their names.
        configuration.foreignKeysEnabled = false
        let queue = try DatabaseQueue(path: DataFolder(folder).database, configuration: configuration)
        try queue.write { db in try db.execute(sql: String(contentsOf: URL(filePath: fixture), encoding: .utf8)) }
        try queue.close()
    }

    /// What is wrong with it after it was opened again; nil where nothing is.
    static func loss(in folder: String) -> String? {
        do {
            let database = try SQLiteDatabase(.init(folder: DataFolder(folder)), at: Sample.now)
            defer { try? database.close(at: Sample.now) }
            let jobs = SQLiteJobStore(database)
            _ = try waiting { jobs.recover(at: Sample.now, then: $0) }
            let count = try jobs.jobs(tenant: nil, states: [], limit: 100, after: nil)?.page.count
            let ready = jobs.backlog().flatMap(\.buckets).reduce(0) { $0 + $1.ready.jobs }
            guard count == 7, ready == 5, try jobs.job("job_3", tenant: nil)?.state == .done else { return "\(count ?? 0) jobs, \(ready) ready" }
            return try SQLiteLedger(database).verify(wanted: nil).chain.firstBad.map { "the chain is broken at \($0)" }
        } catch {
            return "\(error)"
        }
    }
}
