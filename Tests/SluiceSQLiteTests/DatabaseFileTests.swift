import FoundationEssentials
import SluiceCore
import SluiceSQLite
import SluiceTesting
import Testing

/// Reading beside a server, and where none runs.
@Suite struct DatabaseFileTests {
    private func names(in folder: TemporaryFolder) throws -> Set<String> { Set(try FileManager.default.contentsOfDirectory(atPath: folder.path)) }

    @Test func readsWhileAServerWrites() async throws {
        let store = try TemporaryStore()
        let reader = SQLiteLedger(reading: try StoreReader(file: DataFolder(store.folder.path).database))
        for i in 1...5 {
            try await stored { store.ledger.append([SealedEntry(Sample.settled(Sample.subject("req_\(i)")))], committed: $0) }
            #expect(try reader.head()?.seq == Int64(i))
        }
    }

    @Test func leavesNoFileWhereNoServerRuns() async throws {
        let folder = TemporaryFolder()
        let store = try TemporaryStore(folder: folder)
        try await stored { store.ledger.append([SealedEntry(Sample.settled(Sample.subject("req_1")))], committed: $0) }
        try store.database.close(at: Sample.now)
        let before = try self.names(in: folder)
        #expect(try SQLiteLedger(reading: StoreReader(file: DataFolder(folder.path).database)).head()?.seq == 1)
        #expect(try self.names(in: folder) == before && !before.contains("sluice.db-wal"))
    }

    @Test func seesAServerThatStartsMeanwhile() async throws {
        let folder = TemporaryFolder()
        try SQLiteDatabase(.init(folder: DataFolder(folder.path)), at: Sample.now).close(at: Sample.now)
        let reader = SQLiteLedger(reading: try StoreReader(file: DataFolder(folder.path).database))
        #expect(try reader.head() == nil)
        let store = try TemporaryStore(folder: folder)
        try await stored { store.ledger.append([SealedEntry(Sample.settled(Sample.subject("req_1")))], committed: $0) }
        #expect(try reader.head()?.seq == 1)
        try store.database.close(at: Sample.now)
        #expect(try reader.head()?.seq == 1)
    }

    @Test func readsWhatAKilledProcessLeft() async throws {
        let store = try TemporaryStore()
        try await stored { store.ledger.append([SealedEntry(Sample.settled(Sample.subject("req_1")))], committed: $0) }
        let image = try store.crashImage()
        #expect(try SQLiteLedger(reading: StoreReader(file: DataFolder(image.path).database)).head()?.seq == 1)
    }

    @Test func writesNothing() async throws {
        let store = try TemporaryStore()
        let reader = try StoreReader(file: DataFolder(store.folder.path).database)
        let error = await #expect(throws: StoreError.self) {
            try await stored { SQLiteJobStore(reading: reader).enqueue(Sample.job("job_1"), call: Sample.call(), answer: nil, then: $0) }
        }
        #expect(error?.code == .closed)
    }

    @Test func namesWhatIsMissing() {
        let error = #expect(throws: StoreError.self) { try StoreReader(file: "/nowhere/sluice.db") }
        #expect(error?.message.contains("/nowhere/sluice.db") == true)
    }

    @Test func aPathMayHoldWhatUrlsEscape() async throws {
        let parent = TemporaryFolder()
        let folder = DataFolder(parent.path + "/100% ?#&=ä")
        try SQLiteDatabase(.init(folder: folder), at: Sample.now).close(at: Sample.now)
        #expect(try SQLiteLedger(reading: StoreReader(file: folder.database)).head() == nil)
    }
}
