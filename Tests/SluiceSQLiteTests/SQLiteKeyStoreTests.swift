import Crypto
import FoundationEssentials
import SluiceCore
import SluiceSQLite
import SluiceTesting
import Testing

@Suite struct SQLiteKeyStoreTests {
    private let store: TemporaryStore
    private let seen = Observed<[String]>([])

    init() throws {
        self.store = try TemporaryStore()
    }

    private var keys: SQLiteKeyStore {
        let seen = self.seen
        return SQLiteKeyStore(self.store.database) { keys in seen.update { $0 = keys.map(\.name) } }
    }

    private func make(_ name: String, tenant: String? = nil) async throws -> String {
        try await stored { self.keys.make(name, tenant: tenant, at: Sample.now, then: $0) }
    }

    @Test func aKeyIsLongAndNew() async throws {
        let (a, b) = (try await self.make("a"), try await self.make("b"))
        #expect(a.hasPrefix("sk-sluice-") && a.count == 53 && a != b)
    }

    @Test func onlyItsHashIsKept() async throws {
        let key = try await self.make("ci", tenant: "search")
        let valid = try self.keys.valid()
        #expect(valid.map(\.name) == ["ci"] && valid[0].tenant == "search" && valid[0].hash == Array(SHA256.hash(data: Array(key.utf8))))
        try self.store.database.close(at: Sample.now)
        let file = try #require(FileManager.default.contents(atPath: DataFolder(self.store.folder.path).database))
        #expect(!String(decoding: file, as: Unicode.ASCII.self).contains(key.dropFirst(10)))
    }

    @Test func aRevokedKeyIsListedButNotValid() async throws {
        _ = try await self.make("ci")
        #expect(try await stored { self.keys.revoke("ci", at: Sample.now + .seconds(5), then: $0) })
        #expect(try self.keys.valid().isEmpty && self.keys.all().first?.revoked == Sample.now + .seconds(5))
        #expect(try await stored { self.keys.revoke("ci", at: Sample.now, then: $0) } == false)
    }

    @Test func aNameStandsForOneValidKey() async throws {
        _ = try await self.make("ci")
        let error = await #expect(throws: StoreError.self) { _ = try await self.make("ci") }
        #expect(error?.message.contains("`ci`") == true)
        _ = try await stored { self.keys.revoke("ci", at: Sample.now, then: $0) }
        _ = try await self.make("ci")
        #expect(try self.keys.all().count == 2)
    }

    @Test func everyChangeIsTold() async throws {
        _ = try await self.make("a")
        _ = try await self.make("b")
        #expect(self.seen.value == ["a", "b"])
        _ = try await stored { self.keys.revoke("a", at: Sample.now, then: $0) }
        #expect(self.seen.value == ["b"])
    }

    @Test(arguments: ["", "a\nb", String(repeating: "x", count: 129)])
    func anUnfitNameIsRefused(_ name: String) async throws {
        await #expect(throws: StoreError.self) { _ = try await self.make(name) }
    }
}
