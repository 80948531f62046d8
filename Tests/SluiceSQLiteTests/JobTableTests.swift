import FoundationEssentials
import GRDB
import SluiceCore
import SluiceSQLite
import SluiceTesting
import Testing

/// What no implementation of another kind has: indexes, counters kept by triggers, bytes in files.
@Suite struct JobTableTests {
    @Test func countersAreThoseOfARecount() async throws {
        let store = try TemporaryStore()
        var generator = SystemRandomNumberGenerator()
        let lane = Sample.job("").lane
        for step in 0..<150 {
            let id = "job_\(Int.random(in: 0..<30))"
            switch Int.random(in: 0..<8, using: &generator) {
            case 0, 1, 2:
                let job = Sample.job(id, deadline: Sample.now + .seconds(step * 100), notBefore: Sample.now + .seconds(Int.random(in: 0...1) * 300))
                try? await stored { store.jobs.enqueue(job, call: Sample.call(), answer: nil, then: $0) }
            case 3:
                for leased in try await stored({ store.jobs.lease(lane, limit: 2, at: Sample.now, then: $0) }) where Bool.random() {
                    _ = try await stored { store.jobs.complete(leased.lease, as: .failed, result: nil, ends: [], verification: nil, at: Sample.now, then: $0) }
                }
            case 4: _ = try await stored { store.jobs.cancel(id, tenant: nil, at: Sample.now, then: $0) }
            case 5: _ = try await stored { store.jobs.retry(id, tenant: nil, at: Sample.now, then: $0) }
            case 6: _ = try await stored { store.jobs.expire(at: Sample.now + .seconds(step * 50), then: $0) }
            default: _ = try await stored { store.jobs.erase(id, tenant: nil, at: Sample.now, then: $0) }
            }
        }
        let kept = store.jobs.backlog()
        try store.database.close(at: Sample.now)
        let next = try TemporaryStore(folder: store.folder)
        #expect(String(describing: next.jobs.backlog()) == String(describing: kept))
        #expect(kept.isEmpty == false)
    }

    @Test func jobsThatWriteAndJobsThatReadAreLeasedHalfAndHalf() async throws {
        let store = try TemporaryStore()
        let (batch, lane) = try await store.batch(of: 40) { $0.prefix = PrefixTurn.place(9, input: 10, output: $0.line.map { $0 <= 30 ? 1 : 20 } ?? 0) }
        let lines = try await stored { store.jobs.lease(lane, limit: 8, at: Sample.now, then: $0) }.compactMap(\.job.line)
        #expect(Set(lines) == [31, 32, 33, 34, 1, 2, 3, 4])
        // Six are left that write; the others fill up.
        let rest = try await stored { store.jobs.lease(lane, limit: 20, at: Sample.now, then: $0) }.compactMap(\.job.line)
        #expect(rest.count == 20 && Set(rest).isSuperset(of: 35...40), "\(batch): \(rest)")
    }

    @Test func afterALongRunOfOnePrefixTheNextHasItsTurn() async throws {
        let store = try TemporaryStore()
        let (_, lane) = try await store.batch(of: 600) { $0.prefix = $0.line.map { $0 <= 590 ? 1 : 2 } ?? 0 }
        var lines: [Int] = []
        while true {
            let more = try await stored { store.jobs.lease(lane, limit: 64, at: Sample.now, then: $0) }.compactMap(\.job.line)
            guard !more.isEmpty else { break }
            lines += more
        }
        #expect(lines == Array(1...256) + Array(591...600) + Array(257...590))
    }

    @Test(arguments: [
        (
            """
            SELECT id FROM job WHERE job.state = 1 AND job.state IN (1) AND job.lane = 1 AND job.bucket_ms = 9 AND job.prefix BETWEEN 1 AND 2
            ORDER BY job.prefix, job.id LIMIT 9
            """, "job_ready"
        ),
        ("SELECT id FROM job WHERE state = 0 AND not_before_ms <= 9 ORDER BY not_before_ms LIMIT 9", "job_held"),
        ("SELECT id FROM job WHERE state < 2 AND rung <> 1 AND promote_at_ms IS NOT NULL AND promote_at_ms <= 9 ORDER BY promote_at_ms", "job_promotion"),
        ("SELECT id FROM job WHERE finished_ms IS NULL AND deadline_ms IS NOT NULL AND deadline_ms <= 9 ORDER BY deadline_ms LIMIT 9", "job_due"),
        ("SELECT id FROM job WHERE state IN (2, 3) AND owner <> 1", "job_running"),
        ("SELECT id FROM job WHERE finished_ms IS NOT NULL AND tenant = 'a' AND state = 4 AND id < 9 ORDER BY id DESC LIMIT 9", "job_ended"),
        ("SELECT id FROM job WHERE finished_ms IS NULL AND tenant = 'a' AND +state IN (0, 1) AND id < 9 ORDER BY id DESC LIMIT 9", "job_open"),
        ("SELECT id FROM job WHERE batch = 1 AND line > 9 AND +state < 2 ORDER BY line LIMIT 9", "job_line"),
        ("SELECT id FROM job WHERE has_body = 1 AND finished_ms IS NOT NULL AND finished_ms < 9 ORDER BY finished_ms LIMIT 9", "job_bodies"),
        (
            "SELECT id FROM job WHERE has_result = 1 AND batch IS NULL AND finished_ms IS NOT NULL AND finished_ms < 9 ORDER BY finished_ms LIMIT 9",
            "job_results"
        ),
        ("SELECT lane, bucket_ms, count(*), sum(estimated_tokens), min(created_ms) FROM job WHERE state = 1 GROUP BY lane, bucket_ms", "job_ready"),
        ("SELECT seq FROM batch_result WHERE batch = 1 AND side = 0 AND seq > 9 ORDER BY seq LIMIT 9", "batch_result_file"),
        ("SELECT id FROM batch WHERE tenant = 'a' AND wire = 0 AND erased_ms IS NULL AND id < 9 ORDER BY id DESC LIMIT 9", "batch_list"),
        ("SELECT id FROM batch WHERE status < 3 AND status = 2", "batch_open"),
        ("SELECT id FROM webhook_delivery WHERE state = 0 AND due_ms <= 9 ORDER BY due_ms, id LIMIT 9", "webhook_delivery_due"),
        ("SELECT seq FROM ledger WHERE request_id = 'a' AND attempt = 1 AND part = 1", "ledger_attempt"),
    ])
    func isServedByItsIndexWithoutASort(_ sql: String, _ index: String) throws {
        let store = try TemporaryStore()
        try store.read { db in
            let plan = try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN " + sql).map { $0["detail"] as String }
            #expect(plan.contains { $0.contains("INDEX \(index)") } && !plan.contains { $0.contains("TEMP B-TREE") }, "\(plan)")
        }
    }

    @Test func whatWasErasedIsNowhereInTheFiles() async throws {
        let store = try TemporaryStore()
        let secret = "kryptonite-\(UInt64.random(in: 0 ... .max))"
        for i in 0..<3 {
            let job = Sample.job("job_\(i)")
            try await stored { store.jobs.enqueue(job, call: Sample.call(secret + String(repeating: " padding", count: 3000)), answer: nil, then: $0) }
            let lease = try #require(try await stored { store.jobs.lease(job.lane, limit: 1, at: Sample.now, then: $0) }.first?.lease)
            let result = JobResult(status: 200, contentType: "text/plain", body: Array(secret.utf8))
            _ = try await stored { store.jobs.complete(lease, as: .done, result: result, ends: [], verification: nil, at: Sample.now, then: $0) }
        }
        #expect(try self.files(of: store).contains { $0.contains(secret) })
        _ = try await stored { store.jobs.erase("job_0", tenant: nil, at: Sample.now, then: $0) }
        let later = Sample.now + .seconds(1)
        _ = try await stored { store.jobs.sweep(SweepLimits(results: later, prompts: later), own: [:], at: later, then: $0) }
        #expect(try self.files(of: store).allSatisfy { !$0.contains(secret) })
    }

    @Test func aRequestThatCannotBeReadDoesNotStopTheJobsBehindIt() async throws {
        let store = try TemporaryStore()
        for id in ["job_1", "job_2"] { try await stored { store.jobs.enqueue(Sample.job(id), call: Sample.call(), answer: nil, then: $0) } }
        try store.database.close(at: Sample.now)
        try await DatabaseQueue(path: DataFolder(store.folder.path).database).write { db in
            try db.execute(sql: "UPDATE job_body SET request = '{\"endpoint\":' WHERE job = 1")
        }
        let next = try TemporaryStore(folder: store.folder)
        let leased = try await stored { next.jobs.lease(Sample.job("").lane, limit: 9, at: Sample.now, then: $0) }
        #expect(leased.map(\.job.id) == ["job_1", "job_2"] && leased.map { $0.call != nil } == [false, true])
    }

    /// More than one statement takes, in groups as they come.
    @Test func entriesOfManyJobsStandInTheChainOnceAndInOrder() async throws {
        let store = try TemporaryStore()
        let count = 300
        for number in 1...count { try await stored { store.jobs.enqueue(Sample.job("job_\(number)"), call: Sample.call(), answer: nil, then: $0) } }
        let leased = try await stored { store.jobs.lease(Sample.job("").lane, limit: count, at: Sample.now, then: $0) }
        try await withThrowingTaskGroup { group in
            for job in leased {
                group.addTask {
                    let subject = Sample.subject(job.job.requestID, jobID: job.job.id)
                    try await stored { store.jobs.begin(Sample.intent(subject), under: job.lease, then: $0) }
                    let ends = [Sample.settled(subject), Sample.settled(subject)]
                    let isCurrent = try await stored {
                        store.jobs.complete(job.lease, as: .done, result: nil, ends: ends, verification: nil, at: Sample.now, then: $0)
                    }
                    #expect(isCurrent)
                    // Told again, under a lease that has ended.
                    let again = try await stored {
                        store.jobs.complete(job.lease, as: .done, result: nil, ends: ends, verification: nil, at: Sample.now, then: $0)
                    }
                    #expect(!again)
                }
            }
            try await group.waitForAll()
        }
        try store.read { db in
            let rows = try Row.fetchAll(db, sql: "SELECT part, count(*), count(DISTINCT request_id) FROM ledger GROUP BY part ORDER BY part")
            #expect(rows.map { [$0[0] as Int, $0[1], $0[2]] } == [[0, count, count], [1, count, count]])
            #expect(try Int.fetchOne(db, sql: "SELECT max(seq) - count(*) FROM ledger") == 0)
        }
        #expect(try store.ledger.verify(wanted: nil).chain.firstBad == nil)
    }

    private func files(of store: TemporaryStore) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: store.folder.path).map { name in
            String(decoding: FileManager.default.contents(atPath: store.folder.path + "/" + name) ?? Data(), as: Unicode.ASCII.self)
        }
    }
}

extension TemporaryStore {
    /// Looks into the tables.
    func read<T>(_ body: (Database) throws -> T) throws -> T {
        var configuration = Configuration()
        configuration.readonly = true
        return try DatabaseQueue(path: DataFolder(self.folder.path).database, configuration: configuration).read(body)
    }
}

extension TemporaryStore {
    /// Lines that wait, and their lane.
    fileprivate func batch(of count: Int, _ change: (inout Job) -> Void) async throws -> (Batch, Job.Lane) {
        let batch = Sample.batch()
        try await stored { self.batches.create(batch, answer: nil, then: $0) }
        _ = try await stored { self.batches.begin(batch.id, total: count, quote: nil, at: Sample.now, then: $0) }
        let lines = (1...count).map { number in
            var line = Sample.line(number, of: batch)
            change(&line.job)
            return line
        }
        _ = try await stored { self.batches.add(lines, to: batch.id, at: Sample.now, then: $0) }
        return (batch, lines[0].job.lane)
    }
}
