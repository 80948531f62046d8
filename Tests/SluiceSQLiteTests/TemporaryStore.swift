import FoundationEssentials
import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting

/// A store in a folder of its own, which goes with it.
final class TemporaryStore: Sendable {
    let folder: DataFolder
    let database: SQLiteDatabase

    init(at now: Timestamp = Sample.now, folder: DataFolder = TemporaryStore.freshFolder(), onFailure: @escaping @Sendable (StoreError) -> Void = { _ in }) throws {
        self.folder = folder
        var opening = SQLiteDatabase.Opening(folder: folder)
        opening.onFailure = onFailure
        self.database = try SQLiteDatabase(opening, at: now)
    }

    deinit {
        try? self.database.close(at: Sample.now)
        try? FileManager.default.removeItem(atPath: self.folder.path)
    }

    var jobs: SQLiteJobStore { SQLiteJobStore(self.database) }
    var ledger: SQLiteLedger { SQLiteLedger(self.database) }

    static func freshFolder() -> DataFolder {
        DataFolder(NSTemporaryDirectoryPath + "/sluice-test-\(UInt64.random(in: 0 ... .max))")
    }

    /// What a killed process would leave behind at this moment: a copy of the files.
    func crashImage() throws -> DataFolder {
        let copy = TemporaryStore.freshFolder()
        try FileManager.default.copyItem(atPath: self.folder.path, toPath: copy.path)
        return copy
    }
}

private let NSTemporaryDirectoryPath = String(cString: getenv("TMPDIR") ?? strdup("/tmp"))
