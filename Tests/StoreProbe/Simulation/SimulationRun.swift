import FoundationEssentials
import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting

/// Many ``BatchSimulation``s on one store, beside each other's leftovers.
struct SimulationRun {
    let seeds: Int
    let first: UInt64

    func run() throws {
        // Where a sync costs nothing, if there is such a place: what is looked at here is not the disk.
        let folder = DataFolder((access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") + "/sluice-simulation-\(getpid())")
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        let database = try SQLiteDatabase(.init(folder: folder), at: Sample.now)
        try self.storeFile(in: database)
        var differences = 0
        for seed in self.first..<self.first + UInt64(self.seeds) {
            do {
                var simulation = try BatchSimulation(seed: seed, in: database)
                try simulation.run()
            } catch {
                differences += 1
                if differences <= 3 { say("SEED=\(seed): \(error)") }
            }
        }
        let chain = try SQLiteLedger(database).verify(wanted: nil).chain
        try database.close(at: Sample.now)
        say("simulation: \(self.seeds) seeds, \(differences) differences, \(chain.entries) entries, chain \(chain.firstBad == nil ? "whole" : "broken")")
        if differences > 0 || chain.firstBad != nil { exit(1) }
    }

    /// The lines of all batches stand in the same file, which is only asked whether it is there.
    private func storeFile(in database: SQLiteDatabase) throws {
        let files = SQLiteFileStore(database)
        let receipt = try files.receive("file-in")
        let file = Sample.file("file-in", bytes: receipt.bytes, sha256: receipt.sha256)
        try waiting { files.add(file, receipt, then: $0) }
    }
}
