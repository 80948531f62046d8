import FoundationEssentials
import GRDB
import SluiceCore
import SluiceSQLite
import SluiceTesting
import Testing

/// Whoever can write the file can write anything into it; `verify` finds it (`promises.md` P12).
@Suite struct TamperTests {
    /// A ledger over three hours, closed.
    private func ledger(entries: Int = 60, tags: (Int) -> [String: String] = { $0 % 2 == 0 ? ["job": "eval"] : [:] }) async throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        let store = try TemporaryStore(folder: folder)
        for i in 0..<entries {
            let subject = Sample.subject("req_\(i)", tenant: "team-\(i % 3)", tags: tags(i))
            store.ledger.append([SealedEntry(Sample.settled(subject, at: Sample.now + .seconds(i * 10_800 / entries)))]) { _ in }
        }
        try store.database.close(at: Sample.now)
        return folder
    }

    private func verify(_ folder: TemporaryFolder, head: ChainVerifier.Place? = nil) throws -> SQLiteLedger.Verification {
        try SQLiteLedger(reading: StoreReader(file: DataFolder(folder.path).database)).verify(wanted: head)
    }

    private func lines(_ folder: TemporaryFolder) throws -> [LedgerRow] {
        try SQLiteLedger(reading: StoreReader(file: DataFolder(folder.path).database)).lines(LedgerFilter(), after: 0, limit: 1000)
    }

    /// Changes the file as its owner can: without the triggers.
    private func tamper(_ folder: TemporaryFolder, _ sql: String, _ arguments: StatementArguments = []) throws {
        try DatabaseQueue(path: DataFolder(folder.path).database).write { db in
            for trigger in try String.fetchAll(db, sql: "SELECT name FROM sqlite_schema WHERE type = 'trigger'") {
                try db.execute(literal: "DROP TRIGGER \(sql: trigger)")
            }
            try db.execute(sql: sql, arguments: arguments)
        }
    }

    @Test func anUntouchedLedgerIsFine() async throws {
        let found = try self.verify(try await self.ledger())
        #expect(found.chain.firstBad == nil && found.chain.entries == 60 && found.checkpoints == 3)
    }

    /// Which values have sums of their own depends on what came first, and a walk cannot know that.
    @Test func anHourWithMoreTagsThanAreSummedApartIsFine() async throws {
        let folder = try await self.ledger(entries: 3 * Rollups.tagsPerHour + 300) { ["job": "j\($0)"] }
        #expect(try self.verify(folder).chain.firstBad == nil)
        try self.tamper(folder, "UPDATE rollup SET tag = 'jab=*' WHERE tag = 'job=*'")
        #expect(try self.verify(folder).chain.firstBad != nil)
    }

    /// A row with a larger number than those behind it: SQLite, asked for what comes after it, gives these again and again.
    @Test(.timeLimit(.minutes(1))) func aNumberThatIsChangedInTheFileEndsEveryWalk() async throws {
        let folder = try await self.ledger()
        let path = DataFolder(folder.path).database
        var file = try Array(Data(contentsOf: URL(filePath: path)))
        let id = Array("req_57".utf8)
        // Before the id stand the time, six bytes, and the record's head, ten with its own length; before these the row's number.
        let place = try #require(
            file.indices.dropFirst(17).dropLast(id.count).first { at in
                file[at..<at + id.count].elementsEqual(id) && file[at - 16] == 10 && file[at - 15] == 0 && file[at - 17] == 58
            })
        file[place - 17] = 120
        try Data(file).write(to: URL(filePath: path))
        #expect(try self.verify(folder).chain.firstBad != nil)
        let ledger = SQLiteLedger(reading: try StoreReader(file: path))
        var (last, pages) = (Int64(0), 0)
        while pages < 60, let row = try ledger.lines(LedgerFilter(), after: last, limit: 7).last { (last, pages) = (row.seq, pages + 1) }
        #expect(pages < 60)
        #expect(try ledger.newestRequests(limit: 100, after: nil, filter: LedgerFilter()).count <= 60)
    }

    @Test func aCheckpointThatWasKeptElsewhereIsFoundAgain() async throws {
        let folder = try await self.ledger()
        let ledger = SQLiteLedger(reading: try StoreReader(file: DataFolder(folder.path).database))
        let kept = try ledger.checkpoints(newest: 2)
        #expect(kept.count == 2 && kept[0].place.seq < kept[1].place.seq && kept[1].entries == Int(kept[1].place.seq))
        #expect(kept[1].totals.attempts == kept[1].entries)
        #expect(try self.verify(folder, head: kept[1].place).chain.firstBad == nil)
        #expect(try self.verify(folder, head: .init(seq: kept[1].place.seq, hash: kept[0].place.hash)).chain.firstBad?.seq == kept[1].place.seq)
    }

    @Test(arguments: [
        "UPDATE ledger SET line = replace(line, 'team-2', 'team-9') WHERE seq = 30", "DELETE FROM ledger WHERE seq = 30",
        "DELETE FROM ledger WHERE seq = 1", "DELETE FROM ledger WHERE seq = 60", "UPDATE ledger SET at_ms = 1 WHERE seq = 30",
        "UPDATE ledger SET request_id = 'req_x' WHERE seq = 30", "UPDATE ledger SET attempt = 2 WHERE seq = 30",
        "UPDATE ledger SET part = 0 WHERE seq = 30", "UPDATE ledger SET hash = zeroblob(32) WHERE seq = 30",
        "UPDATE ledger SET seq = 1000 WHERE seq = 30", "UPDATE ledger SET seq = 61 WHERE seq = 60",
        "UPDATE ledger_hour SET entries = entries + 1", "DELETE FROM ledger_hour WHERE hour_ms = (SELECT max(hour_ms) FROM ledger_hour)",
        "DELETE FROM checkpoint WHERE seq = (SELECT min(seq) FROM checkpoint)", "UPDATE checkpoint SET entries = 1", "UPDATE checkpoint SET at_ms = 1",
        "UPDATE checkpoint SET totals = '{}'", "UPDATE checkpoint SET hash = zeroblob(32)", "UPDATE checkpoint SET hash = x'00'",
        "INSERT INTO checkpoint SELECT seq + 1, hash, at_ms, entries, totals FROM checkpoint LIMIT 1",
        "UPDATE rollup SET measures = replace(measures, '\"requests\":', '\"requests\":1')", "DELETE FROM rollup WHERE by_tag = 1",
        "UPDATE rollup SET tag = 'job=evil' WHERE by_tag = 1",
        "UPDATE rollup SET tenant = 'team-9' WHERE tenant = 'team-1'", "UPDATE rollup SET measures = 'nonsense' WHERE tenant = 'team-1'",
    ])
    func anyChangeIsFound(_ sql: String) async throws {
        let folder = try await self.ledger()
        try self.tamper(folder, sql)
        #expect(try self.verify(folder).chain.firstBad != nil)
    }

    @Test func theFirstEntryThatDoesNotFitIsNamed() async throws {
        let folder = try await self.ledger()
        try self.tamper(folder, "UPDATE ledger SET line = replace(line, '0.00276', '0.00275') WHERE seq IN (17, 40)")
        #expect(try self.verify(folder).chain.firstBad?.seq == 17)
    }

    @Test func anyBitOfAnyLineIsFound() async throws {
        let folder = try await self.ledger()
        let lines = try self.lines(folder).map(\.line)
        for _ in 0..<1000 {
            let index = Int.random(in: 1..<lines.count - 1)
            var changed = lines[index]
            changed[Int.random(in: 0..<changed.count)] ^= 1 << UInt8.random(in: 0..<8)
            var verifier = ChainVerifier(from: .anywhere, sha256: Hashing.sha256)
            for line in [lines[index - 1], changed, lines[index + 1]] { verifier.check(line) }
            #expect(verifier.firstBad != nil, "\(String(decoding: changed, as: UTF8.self))")
        }
    }

    /// As versions before the tenth migration wrote them.
    @Test func linesInFullStandBesideShortOnes() async throws {
        let folder = try await self.ledger()
        let lines = try self.lines(folder)
        for row in lines where row.seq % 3 == 0 {
            try self.tamper(folder, "UPDATE ledger SET line = ? WHERE seq = ?", [String(decoding: row.line, as: UTF8.self), row.seq])
        }
        #expect(try self.verify(folder).chain.firstBad == nil)
        #expect(try self.lines(folder).map(\.line) == lines.map(\.line))
    }

    @Test func theDatabaseRefusesByItself() async throws {
        let folder = try await self.ledger()
        let queue = try DatabaseQueue(path: DataFolder(folder.path).database)
        for sql in [
            "UPDATE ledger SET at_ms = 1 WHERE seq = 3", "DELETE FROM ledger WHERE seq = 3", "DELETE FROM checkpoint", "UPDATE checkpoint SET at_ms = 1",
        ] {
            let error = await #expect(throws: DatabaseError.self) { try await queue.write { db in try db.execute(sql: sql) } }
            #expect(error?.message == "the ledger is append-only")
        }
    }

    @Test func aChainThatWasRewrittenWholeIsFoundWithAKeptHead() async throws {
        let folder = try await self.ledger()
        let head = try #require(try self.verify(folder).chain.head)
        let other = try await self.ledger(entries: 61)
        #expect(try self.verify(other).chain.firstBad == nil)
        #expect(try self.verify(other, head: head).chain.firstBad?.seq == head.seq)
    }

    @Test func aTailThatWasCutOffIsFoundWithAKeptHead() async throws {
        let folder = try await self.ledger()
        let head = try #require(try self.verify(folder).chain.head)
        let short = try await self.ledger(entries: 59)
        #expect(try self.verify(short, head: head).chain.firstBad?.why.contains("is not there") == true)
    }
}
