import FoundationEssentials
import GRDB
import SluiceCore
import SluiceSQLite
import SluiceTesting
import Testing

@Suite struct MigrationTests {
    /// A store as schema 3 left it: jobs of two tenants in one lane, and one in each of four states.
    @Test func aStoreOfSchema3Opens() async throws {
        let store = try TemporaryStore(folder: try OldStore.folder())
        #expect(try store.database.settings()["user_version"] == "12")
        _ = try await stored { store.jobs.recover(at: Sample.now, then: $0) }
        #expect(try store.jobs.jobs(tenant: nil, states: [], limit: 100, after: nil)?.page.count == 7)
        #expect(try store.jobs.job("job_3", tenant: nil)?.state == .done)
        #expect(try store.jobs.result(of: "job_3", tenant: "default")?.body == Array("{\"of\":\"job_3\"}".utf8))
        let lanes = store.jobs.backlog().sorted { $0.lane.tenant < $1.lane.tenant }
        #expect(lanes.map(\.lane.tenant) == ["another", "default"])
        #expect(lanes.map { $0.buckets.reduce(0) { $0 + $1.ready.jobs } } == [1, 4] && lanes[1].buckets.contains { $0.held.jobs == 1 })
        let leased = try await stored { store.jobs.lease(lanes[0].lane, limit: 9, at: Sample.now, then: $0) }
        #expect(leased.map(\.job.id) == ["job_1"] && leased[0].call != nil)
        #expect(try store.ledger.verify(wanted: nil).chain.firstBad == nil)
        try store.read { db in try #expect(String.fetchAll(db, sql: "PRAGMA integrity_check") == ["ok"]) }
        try store.read { db in try #expect(Row.fetchAll(db, sql: "PRAGMA foreign_key_check").isEmpty) }
    }

    /// What migrations add to a table comes behind its other columns, in the words of the migration.
    @Test(arguments: [0, 3]) func aNewDatabaseIsWhatTheMigrationsComeTo(since version: Int) throws {
        let new = try TemporaryStore()
        let claim = try new.database.settings()["application_id"] ?? ""
        let migrated = try TemporaryStore(folder: version == 0 ? try OldStore.folder(claim: claim) : try OldStore.folder())
        func schema(_ store: TemporaryStore) throws -> [String] {
            try store.read { db in
                let sql = try String.fetchAll(db, sql: "SELECT name || ': ' || sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
                let plain = sql.map { $0.filter { !$0.isWhitespace && $0 != "\"" } }
                return plain + (try String.fetchAll(db, sql: "SELECT identifier FROM grdb_migrations ORDER BY rowid"))
            }
        }
        let (now, then) = (try schema(new), try schema(migrated))
        for (now, then) in zip(now, then) { #expect(now == then) }
        #expect(now.count == then.count && now.count > 70)
        for name in ["application_id", "user_version"] {
            try #expect(new.database.settings()[name] == migrated.database.settings()[name])
        }
    }
}

/// A store of an earlier schema, kept as the statements that make it.
enum OldStore {
    /// A database of Sluice's in which there is nothing yet, so that every migration runs.
    static func folder(claim: String) throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        let queue = try DatabaseQueue(path: DataFolder(folder.path).database)
        try queue.write { db in try db.execute(literal: "PRAGMA application_id = \(sql: claim)") }
        try queue.close()
        return folder
    }

    static func folder() throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        let fixture = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/schema-3.sql")
        var configuration = Configuration()
        // The tables come in the order of their names.
        configuration.foreignKeysEnabled = false
        let queue = try DatabaseQueue(path: DataFolder(folder.path).database, configuration: configuration)
        try queue.write { db in try db.execute(sql: String(contentsOf: fixture, encoding: .utf8)) }
        try queue.close()
        return folder
    }
}
