import GRDB
import SluiceCore
import SluiceSQLite
import SluiceTesting
import Testing

@Suite struct SmokeTests {
    @Test func chainsEntries() async throws {
        let store = try TemporaryStore()
        for i in 0..<5 { try await stored { store.ledger.append([SealedEntry(Sample.settled(Sample.subject("req_\(i)")))], committed: $0) } }
        let rows = try store.ledger.lines(LedgerFilter(), after: 0, limit: 100)
        #expect(rows.map(\.seq) == [1, 2, 3, 4, 5])
        for row in rows { print(String(decoding: row.line, as: UTF8.self)); _ = try LedgerLine.read(row.line) }
        for r in try store.ledger.rollups(since: nil, until: nil, by: [.tenant, .hour]) { print(r.key, String(decoding: r.measures.text, as: UTF8.self)) }
    }

    @Test func runsAJob() async throws {
        let store = try TemporaryStore()
        let job = Sample.job("job_1")
        try await stored { store.jobs.enqueue(job, call: Sample.call(), then: $0) }
        #expect(try store.jobs.readyLanes().map(\.ready) == [1])
        let leased = try await stored { store.jobs.lease(job.lane, limit: 10, at: Sample.now, then: $0) }
        let lease = try #require(leased.first?.lease)
        let intent = Sample.intent(Sample.subject(job.requestID, jobID: job.id, serve: .later))
        try await stored { store.jobs.begin(intent, under: lease, then: $0) }
        let isCurrent = try await stored {
            store.jobs.complete(
                lease, as: .done, result: JobResult(status: 200, contentType: "application/json", body: Array("{}".utf8)),
                ends: [Sample.settled(Sample.subject(job.requestID, jobID: job.id, serve: .later))], at: Sample.now, then: $0)
        }
        #expect(isCurrent)
        #expect(try store.jobs.job("job_1", tenant: nil)?.state == .done)
        #expect(try store.jobs.queueDepths().isEmpty)
    }
}
