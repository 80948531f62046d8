import FoundationEssentials
import GRDB
package import SluiceCore

extension SQLiteJobStore {
    package func lease(_ lane: Job.Lane, limit: Int, at now: Timestamp, then: @escaping Completion<[LeasedJob]>) {
        let epoch = self.epoch
        self.submit({ transaction in
            let db = transaction.db
            let number = try lane.number(in: db)
            let rows = try Row.fetchAll(
                db.cachedStatement(
                    literal: """
                        SELECT \(JobRow.columns) FROM job JOIN lane ON lane.id = job.lane
                        WHERE job.state = 1 AND \(JobState.allows(.leasedByWorker)) AND job.lane = \(number)
                        ORDER BY job.bucket_ms, job.id LIMIT \(limit)
                        """)
            ).map(JobRow.init)
            return try rows.compactMap { row in
                guard let call = try StoredCall.find(row.id, in: db) else { throw StoreError(.other, "job \(row.job.id) has lost its request") }
                try db.cachedStatement(
                    literal: """
                        UPDATE job SET state = \(JobState.target(of: .leasedByWorker).rawValue), lease = lease + 1, owner = \(epoch)
                        WHERE id = \(row.id) AND \(JobState.allows(.leasedByWorker))
                        """
                ).execute()
                guard db.changesCount == 1 else { return nil }
                var job = row.job
                job.state = .leased
                return LeasedJob(lease: Lease(job: row.id, number: row.lease + 1, owner: epoch), job: job, call: call)
            }
        }, then: then)
    }

    package func begin(_ intent: AttemptIntent, under lease: Lease, then: @escaping Completion<Void>) {
        let sealed = SealedEntry(intent.entry)
        self.submit({ transaction in
            let db = transaction.db
            guard let requestID = intent.entry.subject?.requestID, let attempt = intent.entry.attempt, intent.entry.kind == .intent else {
                throw StoreError(.other, "what is begun is the intent of an attempt of a request")
            }
            try db.cachedStatement(literal: "UPDATE job SET attempts = attempts + 1 WHERE \(lease.isCurrent)").execute()
            guard db.changesCount == 1 else { throw StoreError(.other, "the lease of the job has ended") }
            try db.cachedStatement(
                literal: """
                    INSERT INTO attempt(job, n, request_id, lease, bound_pico, started_ms)
                    VALUES (\(lease.job), \(attempt), \(requestID), \(lease.number), \(intent.bound?.pico), \(intent.entry.at.milliseconds))
                    """
            ).execute()
            try transaction.chain.append(sealed, to: db)
        }, then: then)
    }

    package func complete(
        _ lease: Lease, as state: JobState, result: JobResult?, ends: [LedgerEntry], at now: Timestamp, then: @escaping Completion<Bool>
    ) {
        guard let event = JobState.Event.ending(in: state) else {
            return then(.failure(StoreError(.other, "a job does not end as \(state.name)")))
        }
        let sealed = ends.map { SealedEntry($0) }
        self.submit({ transaction in
            let db = transaction.db
            try db.cachedStatement(
                literal: """
                    UPDATE job SET state = \(state.rawValue), finished_ms = \(now.milliseconds), result_status = \(result?.status),
                      has_result = \(result != nil), owner = NULL
                    WHERE \(lease.isCurrent) AND \(JobState.allows(event))
                    """
            ).execute()
            let isCurrent = db.changesCount == 1
            if isCurrent, let result { try result.store(for: lease.job, in: db) }
            try transaction.end(sealed, of: lease, isCurrent: isCurrent)
            return isCurrent
        }, then: then)
    }

    package func putBack(
        _ lease: Lease, notBefore: Timestamp, error: String, ends: [LedgerEntry], at now: Timestamp, then: @escaping Completion<Bool>
    ) {
        let sealed = ends.map { SealedEntry($0) }
        let event = notBefore > now ? JobState.Event.putBackToWait : .putBack
        self.submit({ transaction in
            let db = transaction.db
            try db.cachedStatement(
                literal: """
                    UPDATE job SET state = \(JobState.target(of: event).rawValue), not_before_ms = \(notBefore.milliseconds), last_error = \(error),
                      owner = NULL
                    WHERE \(lease.isCurrent) AND \(JobState.allows(event))
                    """
            ).execute()
            let isCurrent = db.changesCount == 1
            try transaction.end(sealed, of: lease, isCurrent: isCurrent)
            return isCurrent
        }, then: then)
    }
}

extension Lease {
    /// Whether the row is leased, and by this very lease: all of it is compared, so that a worker that was given up changes nothing.
    fileprivate var isCurrent: SQL { "job.id = \(self.job) AND job.state IN (2, 3) AND job.lease = \(self.number) AND job.owner = \(self.owner)" }
}

extension JobState.Event {
    /// What ends a running job in `state`.
    fileprivate static func ending(in state: JobState) -> JobState.Event? {
        switch state {
        case .done: .answered
        case .failed: .failedForGood
        case .expired: .deadlinePassed
        case .cancelled: .cancelRequested
        case .held, .ready, .leased, .bundled: nil
        }
    }
}

extension JobResult {
    /// The first result of a job stays.
    fileprivate func store(for job: Int64, in db: Database) throws {
        try db.cachedStatement(
            literal: """
                INSERT INTO job_result(job, status, content_type, body) VALUES (\(job), \(self.status), \(self.contentType), \(Data(self.body)))
                """
        ).execute()
    }
}

extension WriteTransaction {
    /// Books the ends of a job's attempts; those of a lease that is not the current one as waste.
    fileprivate mutating func end(_ ends: [SealedEntry], of lease: Lease, isCurrent: Bool) throws {
        for end in ends {
            try self.db.cachedStatement(
                literal: """
                    UPDATE attempt SET ended_ms = \(end.entry.at.milliseconds)
                    WHERE job = \(lease.job) AND n = \(end.entry.attempt) AND ended_ms IS NULL
                    """
            ).execute()
            try self.chain.append(isCurrent ? end : SealedEntry(end.entry.superseded()), to: self.db)
        }
    }
}
