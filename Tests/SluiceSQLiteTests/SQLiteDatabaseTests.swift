import FoundationEssentials
import Glibc
import GRDB
import SluiceCore
import SluiceSQLite
import SluiceTesting
import Testing

@Suite struct SQLiteDatabaseTests {
    /// T1: GRDB sets NORMAL of its own, with which a power cut takes back commits.
    @Test func writesWithFullSynchronisation() throws {
        let store = try TemporaryStore()
        let settings = try store.database.settings()
        #expect(settings["synchronous"] == "2" && settings["journal_mode"] == "wal")
        #expect(settings["auto_vacuum"] == "2" && settings["secure_delete"] == "1" && settings["foreign_keys"] == "1")
        #expect(settings["trusted_schema"] == "0" && settings["cell_size_check"] == "1" && settings["mmap_size"] == "0")
    }

    @Test func filesAreTheirOwnersAlone() throws {
        let parent = TemporaryFolder()
        let folder = DataFolder(parent.path + "/a/b")
        let database = try SQLiteDatabase(.init(folder: folder), at: Sample.now)
        defer { try? database.close(at: Sample.now) }
        func mode(_ path: String) -> UInt32 {
            var info = stat()
            return stat(path, &info) == 0 ? info.st_mode & 0o777 : 0
        }
        #expect(mode(folder.path) == 0o700)
        for name in ["sluice.db", "sluice.db-wal", "sluice.db-shm", "sluice.lock"] { #expect(mode(folder.path + "/" + name) == 0o600, "\(name)") }
    }

    /// A first start that was killed leaves its draft, of which nobody knows how far it came.
    @Test func aFirstStartThatWasKilledIsBegunAnew() throws {
        let folder = TemporaryFolder()
        let path = DataFolder(folder.path).database
        for suffix in [".new", ".new-wal"] { try Data(repeating: 0x5A, count: 9000).write(to: URL(filePath: path + suffix)) }
        let store = try TemporaryStore(folder: folder)
        #expect(!store.database.wasUnclean)
        #expect(try store.database.settings()["page_size"] == "8192")
        for suffix in [".new", ".new-wal", ".new-shm"] { #expect(!FileManager.default.fileExists(atPath: path + suffix)) }
    }

    @Test func aSecondOpeningIsRefusedWithTheHolder() throws {
        let store = try TemporaryStore()
        let error = #expect(throws: StoreError.self) { try SQLiteDatabase(.init(folder: DataFolder(store.folder.path)), at: Sample.now) }
        #expect(error?.code == .busy && error?.message.contains("process \(getpid())") == true)
    }

    @Test func aLaterSchemaIsRefusedAndLeftAlone() throws {
        let folder = TemporaryFolder()
        try SQLiteDatabase(.init(folder: DataFolder(folder.path)), at: Sample.now).close(at: Sample.now)
        let path = DataFolder(folder.path).database
        try DatabaseQueue(path: path).write { db in try db.execute(sql: "PRAGMA user_version = 99") }
        let before = FileManager.default.contents(atPath: path)
        let error = #expect(throws: StoreError.self) { try SQLiteDatabase(.init(folder: DataFolder(folder.path)), at: Sample.now) }
        #expect(error?.code == .incompatible && error?.message.contains("later Sluice") == true)
        #expect(throws: StoreError.self) { try StoreReader(file: path) }
        #expect(FileManager.default.contents(atPath: path) == before)
    }

    @Test func anotherProgramsDatabaseIsRefusedAndLeftAlone() throws {
        let folder = TemporaryFolder()
        let path = DataFolder(folder.path).database
        try DatabaseQueue(path: path).write { db in try db.execute(sql: "CREATE TABLE theirs(a)") }
        let before = FileManager.default.contents(atPath: path)
        let error = #expect(throws: StoreError.self) { try SQLiteDatabase(.init(folder: DataFolder(folder.path)), at: Sample.now) }
        #expect(error?.code == .incompatible)
        #expect(FileManager.default.contents(atPath: path) == before)
    }

    @Test func knowsWhetherTheLastProcessClosedIt() throws {
        let store = try TemporaryStore()
        let afterKill = try TemporaryStore(folder: try store.crashImage())
        #expect(!store.database.wasUnclean && afterKill.database.wasUnclean)
        #expect(afterKill.database.epoch == store.database.epoch + 1)
        try afterKill.database.close(at: Sample.now)
        let again = try TemporaryStore(folder: afterKill.folder)
        #expect(!again.database.wasUnclean)
    }

    @Test func damagedPagesAreFoundAfterAnUncleanEnd() async throws {
        let folder = TemporaryFolder()
        let path = DataFolder(folder.path).database
        let store = try TemporaryStore(folder: folder)
        for i in 0..<200 { store.ledger.append([SealedEntry(Sample.settled(Sample.subject("req_\(i)")))]) { _ in } }
        try store.database.close(at: Sample.now)
        try await DatabaseQueue(path: path).write { db in try db.execute(sql: "UPDATE boot SET ended_ms = NULL") }
        var bytes = [UInt8](try #require(FileManager.default.contents(atPath: path)))
        // From the back, where the lines lie: the schema stays whole.
        for page in stride(from: bytes.count / 8192 - 1, to: bytes.count / 8192 - 8, by: -1) { for i in 0..<64 { bytes[page * 8192 + i] = 0xA5 } }
        try Data(bytes).write(to: URL(filePath: path))
        let error = #expect(throws: StoreError.self) { try TemporaryStore(folder: folder) }
        #expect(error?.code == .ioFailure && error?.message.contains("is damaged") == true, "\(String(describing: error))")
    }

    @Test func afterCloseEverythingIsRefused() async throws {
        let store = try TemporaryStore()
        try store.database.close(at: Sample.now)
        let error = await #expect(throws: StoreError.self) {
            try await stored { store.jobs.enqueue(Sample.job("job_1"), call: Sample.call(), answer: nil, then: $0) }
        }
        #expect(error?.code == .closed)
    }

    @Test func aFileThatIsTakenAwayStopsTheProcess() async throws {
        let failure = Observed<StoreError?>(nil)
        let store = try TemporaryStore { error in failure.update { $0 = error } }
        try await stored { store.jobs.enqueue(Sample.job("job_1"), call: Sample.call(), answer: nil, then: $0) }
        unlink(DataFolder(store.folder.path).database + "-wal")
        var error: StoreError?
        // The files are looked at once a second.
        while error == nil {
            let id = "job_\(UInt64.random(in: 0 ... .max))"
            do { try await stored { store.jobs.enqueue(Sample.job(id), call: Sample.call(), answer: nil, then: $0) } } catch let caught {
                error = caught as? StoreError
            }
        }
        #expect(error?.code == .ioFailure && error?.message.contains("was removed or replaced") == true)
        #expect(failure.value?.code == .ioFailure)
    }
}
