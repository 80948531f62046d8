import FoundationEssentials
import GRDB
import SluiceCore
import SluiceSQLite
import SluiceTesting
import Testing

/// Entries and sums whose time is over go, and everything that is left still fits (`ledger.md`, Proof).
@Suite struct RetentionTests {
    private static let start = Sample.now.hour

    /// Twenty entries in each of three hours.
    private func store(entriesPerHour count: Int = 20) async throws -> TemporaryStore {
        let store = try TemporaryStore()
        for hour in 0..<3 { try await self.append(count, inHour: hour, to: store) }
        return store
    }

    private func append(_ count: Int, inHour hour: Int, from first: Int = 0, to store: TemporaryStore) async throws {
        let entries = (0..<count).map { i in
            let subject = Sample.subject("req_\(hour)_\(first + i)", tenant: "team-\(i % 3)", tags: i % 2 == 0 ? ["job": "eval"] : [:])
            return SealedEntry(Sample.settled(subject, at: RetentionTests.start + .seconds(hour * 3600 + first + i)))
        }
        try await stored { store.ledger.append(entries, committed: $0) }
        try await stored { store.ledger.flush(then: $0) }
    }

    @discardableResult
    private func forget(entriesBefore entries: Int? = nil, sumsBefore sums: Int? = nil, in store: TemporaryStore) async throws -> Int {
        func time(_ hour: Int?) -> Timestamp? { hour.map { RetentionTests.start + .seconds($0 * 3600) } }
        var all = 0
        while true {
            let deleted = try await stored { store.ledger.forget(entriesBefore: time(entries), sumsBefore: time(sums), at: Sample.now, then: $0) }
            guard deleted > 0 else { return all }
            all += deleted
        }
    }

    private func totals(_ store: TemporaryStore, since: Timestamp? = nil) throws -> RollupMeasures {
        try Report(of: store.ledger, since: since, until: nil, by: []).total
    }

    @Test func entriesGoByWholeHoursAndTheRestIsASegment() async throws {
        let store = try await self.store()
        let before = try self.totals(store)
        #expect(try await self.forget(entriesBefore: 2, in: store) == 40)
        let found = try store.ledger.verify(wanted: nil)
        #expect(found.chain.firstBad == nil && found.chain.entries == 20 && found.chain.segment?.seq == 41 && found.chain.isRetained)
        #expect(try store.ledger.lines(LedgerFilter(), after: 0, limit: 100).first?.seq == 41)
        #expect(try self.totals(store) == before)
    }

    @Test func nothingGoesBeforeItsWholeHourIsOver() async throws {
        let store = try await self.store()
        let deleted = try await stored {
            store.ledger.forget(entriesBefore: RetentionTests.start + .seconds(3599), sumsBefore: nil, at: Sample.now, then: $0)
        }
        #expect(try deleted == 0 && store.ledger.verify(wanted: nil).chain.entries == 60)
    }

    /// The chain must have an end to go on from.
    @Test func theLastHourStaysHoweverOldItIs() async throws {
        let store = try await self.store()
        #expect(try await self.forget(entriesBefore: 10_000, in: store) == 40)
        #expect(try store.ledger.verify(wanted: nil).chain.entries == 20)
    }

    @Test func theChainGoesOnBehindWhatWasDeletedAlsoAfterARestart() async throws {
        let first = try await self.store()
        try await self.forget(entriesBefore: 2, in: first)
        try await self.append(5, inHour: 3, to: first)
        try first.database.close(at: Sample.now)
        let second = try TemporaryStore(folder: first.folder)
        try await self.append(5, inHour: 4, to: second)
        let found = try second.ledger.verify(wanted: nil)
        #expect(found.chain.firstBad == nil && found.chain.head?.seq == 70)
        #expect(try second.ledger.checkpoints(newest: 1).first?.totals.attempts == 65, "a checkpoint counts what was deleted as well")
        #expect(try await self.forget(entriesBefore: 4, in: second) == 25)
        #expect(try second.ledger.verify(wanted: nil).chain.firstBad == nil)
    }

    @Test func theBeginningOfACallThatIsUnderWayStays() async throws {
        let store = try TemporaryStore()
        let job = Sample.job("job_1")
        try await stored { store.jobs.enqueue(job, call: Sample.call(), answer: nil, then: $0) }
        let leased = try await stored { store.jobs.lease(job.lane, limit: 1, at: Sample.now, then: $0) }
        let lease = try #require(leased.first?.lease)
        let subject = Sample.subject(job.requestID, trafficClass: job.trafficClass, jobID: job.id, serve: .later)
        try await stored { store.jobs.begin(Sample.intent(subject, attempt: 1), under: lease, then: $0) }
        for hour in 0..<3 { try await self.append(20, inHour: hour, to: store) }
        #expect(try await self.forget(entriesBefore: 2, in: store) == 0)
        let end = Sample.settled(subject, attempt: 1)
        #expect(try await stored { store.jobs.complete(lease, as: .failed, result: nil, ends: [end], verification: nil, at: Sample.now, then: $0) })
        #expect(try await self.forget(entriesBefore: 2, in: store) > 0)
        #expect(try store.ledger.verify(wanted: nil).chain.firstBad == nil)
    }

    @Test func whatIsDeletedInPartsFitsInBetween() async throws {
        let store = try await self.store(entriesPerHour: 1500)
        let limit = RetentionTests.start + .seconds(7200)
        let deleted = try await stored { store.ledger.forget(entriesBefore: limit, sumsBefore: nil, at: Sample.now, then: $0) }
        #expect(deleted < 3000)
        #expect(try store.ledger.verify(wanted: nil).chain.firstBad == nil)
        #expect(try store.ledger.lines(LedgerFilter(), after: 0, limit: 1).first?.seq == 3001)
    }

    @Test func entriesThatCameLateStayWithTheirSums() async throws {
        let store = try await self.store()
        // Of the second hour, written in the third.
        try await self.append(3, inHour: 1, from: 100, to: store)
        let before = try self.totals(store)
        #expect(try await self.forget(entriesBefore: 2, in: store) == 40)
        #expect(try store.ledger.verify(wanted: nil).chain.firstBad == nil)
        try await self.append(2, inHour: 0, from: 100, to: store)
        try await self.append(1, inHour: 3, to: store)
        #expect(try await self.forget(entriesBefore: 3, in: store) == 25)
        #expect(try store.ledger.verify(wanted: nil).chain.firstBad == nil)
        #expect(try self.totals(store).attempts == before.attempts + 3)
    }

    @Test func sumsGoByTheHourAndCheckpointsStillCountThem() async throws {
        let store = try await self.store()
        try await self.forget(entriesBefore: 2, sumsBefore: 1, in: store)
        #expect(try store.ledger.verify(wanted: nil).chain.firstBad == nil)
        let report = try Report(of: store.ledger, since: nil, until: nil, by: [.hour])
        #expect(report.total.attempts == 40 && report.rows.count == 2)
        #expect(report.assumptions.contains { $0.contains("sums were deleted") })
        try await self.append(1, inHour: 3, to: store)
        #expect(try store.ledger.checkpoints(newest: 1).first?.totals.attempts == 60)
        try store.database.close(at: Sample.now)
        let second = try TemporaryStore(folder: store.folder)
        try await self.append(1, inHour: 4, to: second)
        #expect(try second.ledger.checkpoints(newest: 1).first?.totals.attempts == 61)
        #expect(try second.ledger.verify(wanted: nil).chain.firstBad == nil)
    }

    @Test func sumsMayGoBeforeTheirEntries() async throws {
        let store = try await self.store()
        try await self.forget(sumsBefore: 2, in: store)
        #expect(try store.ledger.verify(wanted: nil).chain.firstBad == nil)
        #expect(try self.totals(store).attempts == 20)
        try await self.append(4, inHour: 0, from: 100, to: store)
        try await self.append(4, inHour: 2, from: 100, to: store)
        #expect(try store.ledger.verify(wanted: nil).chain.firstBad == nil)
    }

    @Test func aPartOfAnHourWithoutEntriesCountsAsAWhole() async throws {
        let store = try await self.store()
        let since = RetentionTests.start + .seconds(3610)
        #expect(try self.totals(store, since: since).attempts == 30)
        try await self.forget(entriesBefore: 2, in: store)
        let report = try Report(of: store.ledger, since: since, until: nil, by: [])
        #expect(report.total.attempts == 40 && report.assumptions.contains { $0.contains("count as a whole") })
    }

    @Test func aCheckpointOfWhatWasDeletedIsFoundAgain() async throws {
        let store = try await self.store()
        let kept = try store.ledger.checkpoints(newest: 2)
        try await self.forget(entriesBefore: 2, in: store)
        for checkpoint in kept { #expect(try store.ledger.verify(wanted: checkpoint.place).chain.firstBad == nil) }
        #expect(try store.ledger.verify(wanted: .init(seq: kept[0].place.seq, hash: kept[1].place.hash)).chain.firstBad?.seq == kept[0].place.seq)
        #expect(try store.ledger.verify(wanted: .init(seq: 7, hash: kept[1].place.hash)).chain.firstBad?.seq == 7)
    }

    @Test(arguments: [
        "DELETE FROM ledger WHERE seq = 50", "DELETE FROM ledger", "UPDATE ledger SET at_ms = 1 WHERE seq = 50", "DELETE FROM ledger_cut",
        "UPDATE ledger_cut SET seq = 60", "INSERT INTO ledger_cut VALUES (50, 0)", "DELETE FROM checkpoint",
    ])
    func everybodyElseIsStillRefused(_ sql: String) async throws {
        let store = try await self.store()
        try await self.forget(entriesBefore: 2, in: store)
        try store.database.close(at: Sample.now)
        let file = try DatabaseQueue(path: DataFolder(store.folder.path).database)
        await #expect(throws: DatabaseError.self) { try await file.write { try $0.execute(sql: sql) } }
        #expect(try SQLiteLedger(reading: StoreReader(file: DataFolder(store.folder.path).database)).verify(wanted: nil).chain.firstBad == nil)
    }

    @Test(arguments: [
        "DELETE FROM ledger WHERE seq = 41", "DELETE FROM ledger_cut", "UPDATE checkpoint SET hash = zeroblob(32) WHERE seq = 40",
        "UPDATE checkpoint SET totals = '{}' WHERE seq = 40", "UPDATE rollup SET measures = replace(measures, '\"requests\":', '\"requests\":1')",
        "DELETE FROM rollup WHERE by_tag = 0 AND hour_ms = (SELECT min(hour_ms) FROM rollup)", "DELETE FROM checkpoint WHERE seq = 40",
        "UPDATE rollup_cut SET totals = '{}'",
    ])
    func whatDoesNotFitAfterwardsIsFound(_ sql: String) async throws {
        let store = try await self.store()
        try await self.forget(entriesBefore: 2, sumsBefore: 1, in: store)
        try store.database.close(at: Sample.now)
        var foreign = Configuration()
        foreign.foreignKeysEnabled = false
        try await DatabaseQueue(path: DataFolder(store.folder.path).database, configuration: foreign).write { db in
            for trigger in try String.fetchAll(db, sql: "SELECT name FROM sqlite_schema WHERE type = 'trigger'") {
                try db.execute(literal: "DROP TRIGGER \(sql: trigger)")
            }
            try db.execute(sql: sql)
        }
        #expect(try SQLiteLedger(reading: StoreReader(file: DataFolder(store.folder.path).database)).verify(wanted: nil).chain.firstBad != nil)
    }
}
