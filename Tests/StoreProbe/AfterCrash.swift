import Dispatch
import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting

/// Looks at what a crash has left of a ``RestlessWriter``'s store: all that was acknowledged, in books that are in order.
struct AfterCrash {
    private let folder: DataFolder

    init(_ folder: DataFolder) {
        self.folder = folder
    }

    /// Ends the process with 1 where something is missing.
    func check(acknowledged last: Int) throws {
        // Before anything was acknowledged nothing need be there.
        guard last > 0 || self.folder.databaseFile != nil else { return }
        let database = try SQLiteDatabase(SQLiteDatabase.Opening(folder: self.folder), at: Sample.now)
        let jobs = SQLiteJobStore(database)
        let isRecovered = DispatchSemaphore(value: 0)
        jobs.recover(at: Sample.now) { _ in isRecovered.signal() }
        isRecovered.wait()
        let missing = try (0...max(0, last)).filter { number in try last > 0 && jobs.job("job_\(number)", tenant: nil) == nil }
        let chain = try SQLiteLedger(database).verify(wanted: nil).chain
        try database.close(at: Sample.now)
        guard missing.isEmpty, chain.firstBad == nil else {
            say("missing \(missing), bad \(String(describing: chain.firstBad))")
            exit(1)
        }
    }
}
