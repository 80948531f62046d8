import GRDB
import SluiceCore
import SluiceSQLite
import SluiceTesting
import Testing

/// P3: to do a step again changes nothing, in whatever order three actors do theirs.
@Suite struct RepetitionTests {
    enum Step: CaseIterable {
        case begin, complete, putBack, cancelLine, cancelBatch, expire, release, addAgain, sweep
    }

    @Test(arguments: Step.allCases) func p3StepsDoneTwiceAreStepsDoneOnce(_ first: Step) async throws {
        let store = try TemporaryStore()
        for second in Step.allCases where second != first {
            for third in Step.allCases where third != second && third != first {
                let order = [first, second, third]
                let once = try await Run(in: store).outcome(of: order)
                let twice = try await Run(in: store).outcome(of: order.flatMap { [$0, $0] })
                #expect(once == twice, "\(order)")
            }
        }
    }

    /// A batch of two lines, one of them with a worker.
    private struct Run {
        let store: TemporaryStore
        let batch: Batch
        let leased: LeasedJob

        init(in store: TemporaryStore) async throws {
            let number = UInt64.random(in: 0 ... .max)
            let batch = Sample.batch("batch_\(number)", tenant: "tenant-\(number)")
            try await stored { store.batches.create(batch, answer: nil, then: $0) }
            _ = try await stored { store.batches.begin(batch.id, total: 2, quote: nil, at: Sample.now, then: $0) }
            _ = try await stored { store.batches.add([1, 2].map { Sample.line($0, of: batch) }, to: batch.id, at: Sample.now, then: $0) }
            let leased = try await stored { store.jobs.lease(Sample.line(1, of: batch).job.lane, limit: 1, at: Sample.now, then: $0) }
            self.store = store
            self.batch = batch
            self.leased = try #require(leased.first)
        }

        /// The rows that are left, without what differs from batch to batch.
        func outcome(of steps: [Step]) async throws -> [String] {
            for step in steps { try await self.take(step) }
            let text = Mutable<[String]>([])
            try self.store.read { db in
                text.value = try String.fetchAll(db, sql: RepetitionTests.rows, arguments: ["batch": self.batch.id])
            }
            return text.value
        }

        private func take(_ step: Step) async throws {
            let (jobs, batches, now) = (self.store.jobs, self.store.batches, Sample.now)
            let lease = self.leased.lease
            let subject = Sample.subject(self.leased.job.requestID, jobID: self.leased.job.id)
            let end = Sample.settled(subject)
            switch step {
            case .begin: try? await stored { jobs.begin(Sample.intent(subject), under: lease, then: $0) }
            case .complete: _ = try await stored { jobs.complete(lease, as: .done, result: nil, ends: [end], verification: nil, at: now, then: $0) }
            case .putBack: _ = try await stored { jobs.putBack(lease, notBefore: now + .seconds(9), error: "", ends: [end], at: now, then: $0) }
            case .cancelLine: _ = try await stored { jobs.cancel(self.leased.job.id, tenant: nil, at: now, then: $0) }
            case .cancelBatch: _ = try await stored { batches.cancelBatch(self.batch.id, tenant: nil, at: now, then: $0) }
            case .expire: _ = try await stored { jobs.expire(at: self.batch.deadline, then: $0) }
            case .release: _ = try await stored { jobs.release(at: now + .seconds(10), then: $0) }
            case .addAgain: _ = try await stored { batches.add([1, 2].map { Sample.line($0, of: self.batch) }, to: self.batch.id, at: now, then: $0) }
            case .sweep: _ = try await stored { batches.sweepBatches(at: now, then: $0) }
            }
        }
    }

    /// `attempts` counts calls, and a begin is one: it is left out.
    private static let rows = """
        SELECT line || ' ' || state || ' ' || lease || ' ' || ifnull(owner, 0) || ' ' || ifnull(finished_ms, 0) || ' ' || has_result FROM job
          WHERE batch = (SELECT id FROM batch WHERE pub = :batch)
        UNION ALL SELECT status || ' ' || stored || ' ' || done || ' ' || failed || ' ' || expired || ' ' || cancelled || ' ' || spent_pico || ' ' || input
          || ' ' || output_bytes > 0 || ' ' || error_bytes > 0 FROM batch WHERE pub = :batch
        UNION ALL SELECT 'result ' || side || ' ' || job.line FROM batch_result JOIN job ON job.id = batch_result.job
          WHERE job.batch = (SELECT id FROM batch WHERE pub = :batch)
        UNION ALL SELECT 'entry ' || attempt || ' ' || part || ' ' || (line LIKE '%superseded%') FROM ledger WHERE request_id LIKE '%' || :batch || '%'
        UNION ALL SELECT 'attempt ' || n FROM attempt WHERE request_id LIKE '%' || :batch || '%'
        ORDER BY 1
        """
}

/// A value that a closure gives back.
private final class Mutable<Value> {
    var value: Value

    init(_ value: Value) {
        self.value = value
    }
}
