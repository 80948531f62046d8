import FoundationEssentials
import SluiceCore
import SluiceSQLite
import SluiceTesting

/// A store in a folder of its own, which goes with it.
final class TemporaryStore: Sendable {
    let folder: TemporaryFolder
    let database: SQLiteDatabase

    init(
        at now: Timestamp = Sample.now, folder: TemporaryFolder = TemporaryFolder(), machineStarted: Timestamp? = nil,
        onFailure: @escaping @Sendable (StoreError) -> Void = { _ in }
    ) throws {
        self.folder = folder
        var opening = SQLiteDatabase.Opening(folder: DataFolder(folder.path))
        opening.onFailure = onFailure
        opening.machineStarted = machineStarted
        self.database = try SQLiteDatabase(opening, at: now)
    }

    deinit { try? self.database.close(at: Sample.now) }

    var jobs: SQLiteJobStore { SQLiteJobStore(self.database) }
    var ledger: SQLiteLedger { SQLiteLedger(self.database) }
    var batches: SQLiteBatchStore { SQLiteBatchStore(self.database) }
    var files: SQLiteFileStore { SQLiteFileStore(self.database) }
    var answers: SQLiteAnswerStore { SQLiteAnswerStore(self.database) }
    var webhooks: SQLiteWebhookStore { SQLiteWebhookStore(self.database) }

    /// What a killed process would leave behind at this moment: a copy of the files.
    func crashImage() throws -> TemporaryFolder {
        let copy = TemporaryFolder()
        for name in try FileManager.default.contentsOfDirectory(atPath: self.folder.path) where name.hasPrefix("sluice.db") || name == "files" {
            try FileManager.default.copyItem(atPath: self.folder.path + "/" + name, toPath: copy.path + "/" + name)
        }
        return copy
    }
}
