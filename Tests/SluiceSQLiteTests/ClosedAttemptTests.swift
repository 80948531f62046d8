import FoundationEssentials
import GRDB
import SluiceCore
import SluiceSQLite
import SluiceTesting
import Testing

/// The intent of a live call is stored with its end alone, and whoever reads the ledger sees both.
@Suite struct ClosedAttemptTests {
    private static let start = Sample.now.hour

    /// Ends over three hours, every eleventh call begun in the hour before its end, with some that come late.
    private static let calls: [(end: LedgerEntry, begun: Timestamp)] = (0..<90).map { i in
        let subject = Sample.subject("req_\(i)", tenant: "team-\(i % 3)", tags: i % 4 == 0 ? ["job": "eval \"\(i)\""] : [:])
        var end = Sample.settled(subject, at: start + .seconds(i * 120), cost: i % 7 == 3 ? nil : Money("0.00276"))
        if i % 13 == 5 { end = end.superseded() }
        return (end, end.at + .milliseconds(i % 11 == 0 ? -3_600_000 : Int64(i % 5 == 4 ? -121_000 : -700)))
    }

    private func store(_ append: (SQLiteLedger, Int) -> Void) async throws -> TemporaryStore {
        let store = try TemporaryStore()
        for index in ClosedAttemptTests.calls.indices { append(store.ledger, index) }
        try await stored { store.ledger.flush(then: $0) }
        return store
    }

    private func closed() async throws -> TemporaryStore {
        try await self.store { ledger, index in
            let call = ClosedAttemptTests.calls[index]
            ledger.append(closing: call.end, begun: call.begun) { _ in }
        }
    }

    @Test func readsAsTwoEntriesThatWereWrittenOut() async throws {
        let closed = try await self.closed()
        let whole = try await self.store { ledger, index in
            let (end, begun) = ClosedAttemptTests.calls[index]
            ledger.append([SealedEntry(end.intent(at: begun)), SealedEntry(end)]) { _ in }
        }
        let count = ClosedAttemptTests.calls.count
        func lines(_ store: TemporaryStore) throws -> [String] {
            try store.ledger.lines(LedgerFilter(), after: 0, limit: 1000).map { String(decoding: $0.line, as: UTF8.self) }
        }
        #expect(try lines(closed) == lines(whole) && lines(closed).count == 2 * count)
        for store in [closed, whole] {
            let found = try store.ledger.verify(wanted: nil)
            #expect(found.chain.firstBad == nil && found.chain.entries == 2 * count && found.checkpoints > 1)
        }
        for id in ["req_0", "req_11", "req_12", "req_89"] {
            let rows = try closed.ledger.rows(ofRequest: id)
            #expect(try rows.map { try $0.entry().kind.isEnd } == [false, true] && rows.map(\.line) == whole.ledger.rows(ofRequest: id).map(\.line))
        }
        #expect(try closed.ledger.rollups(since: nil, until: nil, by: [.tag]).map(\.measures.attempts).reduce(0, +) >= count)
        #expect(try closed.ledger.isClosed(request: "req_7", attempt: 1) && !closed.ledger.isClosed(request: "req_7", attempt: 2))
        let rows = try closed.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM ledger") } ?? 0
        #expect(rows > count && rows < count * 3 / 2, "intents have rows of their own")
    }

    /// Wherever a part of an export begins and ends.
    @Test func partsComeToTheWhole() async throws {
        let store = try await self.closed()
        let whole = try store.ledger.lines(LedgerFilter(), after: 0, limit: 1000).map(\.line)
        for limit in 1...7 {
            var parts: [LedgerRow] = []
            while case let part = try store.ledger.lines(LedgerFilter(), after: parts.last?.seq ?? 0, limit: limit), !part.isEmpty { parts += part }
            #expect(parts.map(\.line) == whole && parts.map(\.seq) == Array(1...Int64(whole.count)))
        }
    }

    /// As version 11 had it: a row for each intent, with a time, a hash and an empty line.
    private func eleventh() async throws -> TemporaryStore {
        let store = try await self.closed()
        let lines = try store.ledger.lines(LedgerFilter(), after: 0, limit: 1000)
        try await self.change(store) { db in
            for row in try Row.fetchAll(db, sql: "SELECT seq, begun_ms FROM ledger WHERE begun_ms IS NOT NULL") {
                let (seq, begun): (Int64, Int64) = (row[0], row[1])
                let hash = try LedgerLine.read(lines[Int(seq) - 2].line).hash
                try db.execute(literal: "UPDATE ledger SET begun_ms = NULL WHERE seq = \(seq)")
                try db.execute(literal: "INSERT INTO ledger(seq, at_ms, line, hash) VALUES (\(seq - 1), \(begun), '', \(Data(hash.bytes)))")
            }
        }
        return store
    }

    @Test func whatVersionElevenWroteReadsAsItDid() async throws {
        let (new, old) = (try await self.closed(), try await self.eleventh())
        let reader = SQLiteLedger(reading: try StoreReader(file: DataFolder(old.folder.path).database))
        #expect(try reader.lines(LedgerFilter(), after: 0, limit: 1000).map(\.line) == new.ledger.lines(LedgerFilter(), after: 0, limit: 1000).map(\.line))
        #expect(try reader.rows(ofRequest: "req_12").map(\.line) == new.ledger.rows(ofRequest: "req_12").map(\.line))
        #expect(try reader.verify(wanted: nil).chain.firstBad == nil)
    }

    private func change(_ store: TemporaryStore, _ body: @escaping @Sendable (Database) throws -> Void) async throws {
        try? store.database.close(at: Sample.now)
        try await DatabaseQueue(path: DataFolder(store.folder.path).database).write { db in
            for trigger in try String.fetchAll(db, sql: "SELECT name FROM sqlite_schema WHERE type = 'trigger'") {
                try db.execute(literal: "DROP TRIGGER \(sql: trigger)")
            }
            try body(db)
        }
    }

    /// A replay after a crash may bring what is there already.
    @Test(arguments: [1, 5, 40])
    func oneThatIsThereAlreadyLeavesNeitherGapNorIntent(_ count: Int) async throws {
        let store = try await self.closed()
        let again = ClosedAttemptTests.calls[30..<30 + count]
        store.ledger.append(closing: Sample.settled(Sample.subject("req_new")), begun: Sample.now) { _ in }
        for call in again { store.ledger.append(closing: call.end, begun: call.begun) { _ in } }
        store.ledger.append(closing: Sample.settled(Sample.subject("req_newer")), begun: Sample.now) { _ in }
        try await stored { store.ledger.flush(then: $0) }
        let found = try store.ledger.verify(wanted: nil)
        #expect(found.chain.firstBad == nil && found.chain.entries == 2 * ClosedAttemptTests.calls.count + 4)
        #expect(try store.ledger.rows(ofRequest: "req_31").count == 2)
    }

    @Test func whatIsKeptStillFitsWhenTheFirstHourIsGone() async throws {
        let store = try await self.closed()
        let before = try store.ledger.lines(LedgerFilter(), after: 0, limit: 1000)
        var deleted = 0
        repeat {
            deleted = try await stored {
                store.ledger.forget(entriesBefore: ClosedAttemptTests.start + .seconds(7200), sumsBefore: nil, at: Sample.now, then: $0)
            }
        } while deleted > 0
        let rest = try store.ledger.lines(LedgerFilter(), after: 0, limit: 1000)
        #expect(rest.count < before.count && rest.map(\.line) == before.suffix(rest.count).map(\.line))
        #expect(try store.ledger.verify(wanted: nil).chain.firstBad == nil)
    }

    @Test(arguments: [
        "UPDATE ledger SET at_ms = \(Int64.min) WHERE seq = 41", "UPDATE ledger SET at_ms = \(Int64.max) WHERE seq = 41",
        "UPDATE ledger SET at_ms = at_ms + 1 WHERE seq = 41", "UPDATE ledger SET line = (SELECT line FROM ledger WHERE seq = 42) WHERE seq = 41",
        "UPDATE ledger SET line = '{}' WHERE seq = 41", "UPDATE ledger SET request_id = 'req_20' WHERE seq = 41", "UPDATE ledger SET part = 0 WHERE seq = 41",
        "UPDATE ledger SET line = '' WHERE seq = 42", "UPDATE ledger SET line = replace(line, 'team', 'tean') WHERE seq = 42",
        "DELETE FROM ledger WHERE seq = 41", "UPDATE ledger SET begun_ms = at_ms WHERE seq = 41", "UPDATE ledger SET begun_ms = at_ms WHERE seq = 42",
        "DELETE FROM ledger WHERE seq = 42", "DELETE FROM ledger WHERE seq = 180", "UPDATE ledger SET hash = randomblob(32) WHERE seq = 41",
    ])
    func whatIsChangedInWhatVersionElevenWroteIsFound(_ sql: String) async throws {
        let store = try await self.eleventh()
        let intents = try await DatabaseQueue(path: DataFolder(store.folder.path).database).read { db in
            try Int.fetchOne(db, sql: "SELECT count(*) FROM ledger WHERE line = '' AND seq IN (41, 179)")
        }
        #expect(intents == 2)
        try await self.isFound(sql, in: store)
    }

    @Test(arguments: [
        "UPDATE ledger SET begun_ms = \(Int64.min) WHERE seq = 42", "UPDATE ledger SET begun_ms = \(Int64.max) WHERE seq = 42",
        "UPDATE ledger SET begun_ms = begun_ms + 1 WHERE seq = 42", "UPDATE ledger SET begun_ms = NULL WHERE seq = 42",
        "UPDATE ledger SET at_ms = at_ms + 1 WHERE seq = 42",
        "UPDATE ledger SET line = '{}' WHERE seq = 42", "UPDATE ledger SET line = '' WHERE seq = 42", "UPDATE ledger SET part = 0 WHERE seq = 42",
        "UPDATE ledger SET request_id = 'req_x' WHERE seq = 42", "UPDATE ledger SET line = replace(line, 'team', 'tean') WHERE seq = 42",
        "DELETE FROM ledger WHERE seq = 42", "DELETE FROM ledger WHERE seq = 180", "UPDATE ledger SET hash = randomblob(32) WHERE seq = 42",
        "INSERT INTO ledger(seq, at_ms, line, hash) VALUES (41, 1, '', zeroblob(32))",
        "UPDATE ledger SET seq = 41 WHERE seq = 42", "UPDATE ledger SET seq = 181 WHERE seq = 180",
        "UPDATE ledger SET seq = \(Int64.min) WHERE seq = 42",
    ])
    func whatIsChangedIsFound(_ sql: String) async throws {
        let store = try await self.closed()
        let pairs = try store.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM ledger WHERE begun_ms IS NOT NULL AND seq IN (42, 180)") }
        #expect(pairs == 2)
        try await self.isFound(sql, in: store)
    }

    private func isFound(_ sql: String, in store: TemporaryStore) async throws {
        try await self.change(store) { db in try db.execute(sql: sql) }
        let ledger = SQLiteLedger(reading: try StoreReader(file: DataFolder(store.folder.path).database))
        #expect(try ledger.verify(wanted: nil).chain.firstBad != nil)
        // Whatever is in it, to look at the request ends nothing.
        for index in ClosedAttemptTests.calls.indices { _ = try? ledger.rows(ofRequest: "req_\(index)") }
    }
}
