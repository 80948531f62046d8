import GRDB
package import SluiceCore

/// What people do to jobs.
extension SQLiteJobStore {
    private static let jobsPerSweep = 500

    package func cancel(_ id: String, tenant: String?, at now: Timestamp, then: @escaping Completion<(job: Job, wasRunning: Bool)?>) {
        self.submit(
            { transaction in
                let db = transaction.db
                guard let row = try JobRow.find(id, tenant: tenant, in: db) else { return nil }
                try db.cachedStatement(
                    literal: """
                        UPDATE job SET state = \(JobState.target(of: .cancelRequested).rawValue), finished_ms = \(now.milliseconds), owner = NULL
                        WHERE id = \(row.id) AND \(sql: JobState.allows(.cancelRequested))
                        """
                ).execute()
                var job = row.job
                guard db.changesCount == 1 else { return (job, false) }
                job.state = .cancelled
                job.finished = now
                return (job, row.job.state == .leased || row.job.state == .bundled)
            }, then: then)
    }

    package func retry(_ id: String, tenant: String?, at now: Timestamp, then: @escaping Completion<Job?>) {
        self.submit(
            { transaction in
                let db = transaction.db
                guard let row = try JobRow.find(id, tenant: tenant, in: db) else { return nil }
                guard row.job.state.after(.retried) != nil else { return row.job }
                guard row.hasBody else { throw StoreError(.other, "the request of job \(id) was erased, so it cannot run again") }
                let job = row.job.rearmed(at: now)
                let lane = try job.lane.number(in: db)
                try db.cachedStatement(literal: "DELETE FROM job_result WHERE job = \(row.id)").execute()
                try db.cachedStatement(
                    literal: """
                        UPDATE job SET state = \(job.state.rawValue), generation = generation + 1, lane = \(lane), rung = \(job.rung),
                          deadline_ms = \(job.deadline?.milliseconds), bucket_ms = \(job.bucket.milliseconds), not_before_ms = \(job.notBefore.milliseconds),
                          promote_at_ms = \(job.promoteAt?.milliseconds), finished_ms = NULL, result_status = NULL, last_error = NULL, has_result = 0
                        WHERE id = \(row.id) AND \(sql: JobState.allows(.retried))
                        """
                ).execute()
                return job
            }, then: then)
    }

    package func erase(_ id: String, tenant: String?, at now: Timestamp, then: @escaping Completion<Bool>) {
        self.submit(
            { transaction in
                try transaction.db.cachedStatement(
                    literal: "DELETE FROM job WHERE pub = \(id) AND (\(tenant) IS NULL OR tenant = \(tenant)) AND state > 3"
                ).execute()
                guard transaction.db.changesCount == 1 else { return false }
                transaction.hasErased = true
                return true
            }, then: then)
    }

    package func sweep(results: Timestamp?, prompts: Timestamp?, at now: Timestamp, then: @escaping Completion<Int>) {
        self.submit(
            { transaction in
                let db = transaction.db
                var erased = 0
                if let results {
                    let jobs = try Int64.fetchAll(
                        db.cachedStatement(
                            literal: """
                                SELECT id FROM job WHERE state > 3 AND has_result = 1 AND finished_ms < \(results.milliseconds)
                                ORDER BY finished_ms LIMIT \(SQLiteJobStore.jobsPerSweep)
                                """))
                    for job in jobs {
                        try db.cachedStatement(literal: "DELETE FROM job_result WHERE job = \(job)").execute()
                        try db.cachedStatement(literal: "UPDATE job SET has_result = 0 WHERE id = \(job)").execute()
                    }
                    erased += jobs.count
                }
                if let prompts {
                    let jobs = try Int64.fetchAll(
                        db.cachedStatement(
                            literal: """
                                SELECT id FROM job WHERE state > 3 AND has_body = 1 AND finished_ms < \(prompts.milliseconds)
                                ORDER BY finished_ms LIMIT \(SQLiteJobStore.jobsPerSweep)
                                """))
                    for job in jobs {
                        try db.cachedStatement(literal: "DELETE FROM job_body WHERE job = \(job)").execute()
                        try db.cachedStatement(literal: "UPDATE job SET has_body = 0 WHERE id = \(job)").execute()
                    }
                    erased += jobs.count
                }
                if erased > 0 {
                    transaction.hasErased = true
                    // Gives back what was freed, a little at a time.
                    _ = try Row.fetchAll(db, sql: "PRAGMA incremental_vacuum(2000)")
                }
                return erased
            }, then: then)
    }
}

extension Job {
    /// The job as it waits again: with the time that it was given at first, counted from now.
    fileprivate func rearmed(at now: Timestamp) -> Job {
        var job = self
        job.state = .ready
        job.rung = 0
        job.notBefore = now
        job.deadline = self.deadline.map { now + ($0 - self.created) }
        job.promoteAt = self.promoteAt.map { now + ($0 - self.created) }
        job.finished = nil
        job.resultStatus = nil
        job.lastError = nil
        return job
    }
}
