import GRDB
import SluiceCore
import SluiceSQLite
import SluiceTesting
import Testing

@Suite struct StoreWriterTests {
    @Test func liveEntriesWaitForCompanyButNotForLong() async throws {
        let store = try TemporaryStore()
        let start = ContinuousClock.now
        try await stored { store.ledger.append([SealedEntry(Sample.settled(Sample.subject("req_1")))], committed: $0) }
        #expect(ContinuousClock.now - start > .milliseconds(15))
    }

    @Test func whatElseCommitsTakesWaitingEntriesAlong() async throws {
        let folder = TemporaryFolder()
        var opening = SQLiteDatabase.Opening(folder: DataFolder(folder.path))
        opening.limits.patience = .seconds(3600)
        let database = try SQLiteDatabase(opening, at: Sample.now)
        defer { try? database.close(at: Sample.now) }
        let isCommitted = Observed(false)
        SQLiteLedger(database).append([SealedEntry(Sample.settled(Sample.subject("req_1")))]) { _ in isCommitted.update { $0 = true } }
        try await stored { SQLiteJobStore(database).enqueue(Sample.job("job_1"), call: Sample.call(), answer: nil, then: $0) }
        try await isCommitted.wait(for: "the entry is committed") { $0 }
    }

    @Test func aFullGroupDoesNotWait() async throws {
        let folder = TemporaryFolder()
        var opening = SQLiteDatabase.Opening(folder: DataFolder(folder.path))
        opening.limits.patience = .seconds(3600)
        opening.limits.entriesPerGroup = 20
        let database = try SQLiteDatabase(opening, at: Sample.now)
        defer { try? database.close(at: Sample.now) }
        let committed = Observed(0)
        for i in 0..<20 { SQLiteLedger(database).append([SealedEntry(Sample.settled(Sample.subject("req_\(i)")))]) { _ in committed.update { $0 += 1 } } }
        try await committed.wait(for: "the entries are committed") { $0 == 20 }
    }

    @Test(arguments: [(4, false), (5, true)])
    func manyEntriesWaitLonger(_ count: Int, _ isLonger: Bool) async throws {
        let folder = TemporaryFolder()
        var opening = SQLiteDatabase.Opening(folder: DataFolder(folder.path))
        opening.limits.patience = .milliseconds(10)
        opening.limits.longestPatience = isLonger ? .milliseconds(300) : .seconds(3600)
        opening.limits.fewEntries = 4
        let database = try SQLiteDatabase(opening, at: Sample.now)
        defer { try? database.close(at: Sample.now) }
        let start = ContinuousClock.now
        let committed = Observed(0)
        for i in 0..<count { SQLiteLedger(database).append([SealedEntry(Sample.settled(Sample.subject("req_\(i)")))]) { _ in committed.update { $0 += 1 } } }
        try await committed.wait(for: "the entries are committed") { $0 == count }
        #expect(!isLonger || ContinuousClock.now - start >= .milliseconds(300))
    }

    /// Whatever the number of rows of a statement: a second end of an attempt takes none of the others with it.
    @Test(arguments: [2, 8, 31, 32, 33, 75])
    func anEntryThatIsThereAlreadyLeavesNoGap(_ count: Int) async throws {
        let store = try TemporaryStore()
        let entries = (0..<count).map { SealedEntry(Sample.settled(Sample.subject("req_\($0)"))) }
        let twice = SealedEntry(Sample.settled(Sample.subject("req_\(count / 2)")))
        try await stored { store.ledger.append(entries + [twice], committed: $0) }
        try await stored { store.ledger.append([twice] + entries, committed: $0) }
        try await stored { store.ledger.append([SealedEntry(Sample.settled(Sample.subject("req_last")))], committed: $0) }
        let rows = try store.ledger.lines(LedgerFilter(), after: 0, limit: 1000)
        #expect(rows.map(\.seq) == (1...Int64(count) + 1).map { $0 })
        var verifier = ChainVerifier(from: .first, sha256: Hashing.sha256)
        for row in rows { verifier.check(row.line) }
        verifier.finish()
        #expect(verifier.firstBad == nil)
        #expect(try store.ledger.rollups(since: nil, until: nil, by: []).first?.measures.attempts == count + 1)
    }

    @Test func oneThatFailsDoesNotDisturbTheOthersOfItsGroup() async throws {
        let store = try TemporaryStore()
        let results = Observed<[String: Bool]>([:])
        for id in ["job_1", "job_2", "job_1", "job_3", "job_1", "job_2"].enumerated() {
            store.jobs.enqueue(Sample.job(id.element), call: Sample.call(), answer: nil) { result in
                results.update { $0["\(id.offset)"] = (try? result.get()) != nil }
            }
        }
        try await results.wait(for: "all are answered") { $0.count == 6 }
        #expect(results.value == ["0": true, "1": true, "2": false, "3": true, "4": false, "5": false])
        #expect(try store.jobs.jobs(tenant: nil, states: [], limit: 10, after: nil)?.page.count == 3)
    }

    @Test func aFailedOperationLeavesNothingInTheChain() async throws {
        let store = try TemporaryStore()
        let job = Sample.job("job_1")
        try await stored { store.jobs.enqueue(job, call: Sample.call(), answer: nil, then: $0) }
        let lease = try #require(try await stored { store.jobs.lease(job.lane, limit: 1, at: Sample.now, then: $0) }.first?.lease)
        let subject = Sample.subject(job.requestID, jobID: job.id)
        try await stored { store.jobs.begin(Sample.intent(subject), under: lease, then: $0) }
        // The same attempt once more: its row is there already, so all of it must fail.
        await #expect(throws: StoreError.self) { try await stored { store.jobs.begin(Sample.intent(subject), under: lease, then: $0) } }
        try await stored { store.ledger.append([SealedEntry(Sample.settled(Sample.subject("req_2")))], committed: $0) }
        #expect(try store.ledger.verify(wanted: nil).chain.firstBad == nil)
        #expect(try store.ledger.head()?.seq == 2)
        #expect(try store.jobs.job(job.id, tenant: nil)?.attempts == 1)
    }

    @Test func closingWritesWhatIsQueued() async throws {
        let folder = TemporaryFolder()
        let store = try TemporaryStore(folder: folder)
        let committed = Observed(0)
        for i in 0..<1500 {
            store.ledger.append([SealedEntry(Sample.settled(Sample.subject("req_\(i)")))]) { result in
                if case .success = result { committed.update { $0 += 1 } }
            }
        }
        try store.database.close(at: Sample.now)
        #expect(committed.value == 1500)
        #expect(try SQLiteLedger(reading: StoreReader(file: DataFolder(folder.path).database)).head()?.seq == 1500)
    }

    @Test func threadsMayWriteAtTheSameTime() async throws {
        let store = try TemporaryStore()
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<8 {
                group.addTask {
                    for i in 0..<50 {
                        try? await stored { store.jobs.enqueue(Sample.job("job_\(thread)_\(i)"), call: Sample.call(), answer: nil, then: $0) }
                        store.ledger.append([SealedEntry(Sample.settled(Sample.subject("req_\(thread)_\(i)")))]) { _ in }
                    }
                }
            }
        }
        try await stored { store.ledger.flush(then: $0) }
        #expect(store.jobs.backlog().first?.buckets.first?.ready.jobs == 400)
        #expect(try store.ledger.verify(wanted: nil).chain.entries == 400)
    }
}
