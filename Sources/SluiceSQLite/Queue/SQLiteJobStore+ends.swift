import GRDB
package import SluiceCore

/// What people do to jobs.
extension SQLiteJobStore {
    package func cancel(_ id: String, tenant: String?, at now: Timestamp, then: @escaping Completion<(job: Job, wasRunning: Bool)?>) {
        self.submit(
            { transaction in
                guard let row = try JobRow.find(id, tenant: tenant, in: transaction.db) else { return nil }
                var job = row.job
                guard try transaction.end(row.id, by: .cancelRequested, at: now) else { return (job, false) }
                let wasRunning = job.state == .leased || job.state == .bundled
                job.state = JobState.target(of: .cancelRequested)
                job.finished = now
                return (job, wasRunning)
            }, then: then)
    }

    package func retry(_ id: String, tenant: String?, at now: Timestamp, then: @escaping Completion<Job?>) {
        self.submit(
            { transaction in
                guard let row = try JobRow.find(id, tenant: tenant, in: transaction.db) else { return nil }
                guard row.job.state.after(.retried) != nil else { return row.job }
                guard row.batch == nil else { throw StoreError(.other, "a line is retried with its batch") }
                guard row.hasBody else { throw StoreError(.other, "the request of job \(id) was erased, so it cannot run again") }
                let job = row.job.rearmed(at: now, deadline: row.job.deadline.map { now + ($0 - row.job.created) })
                try transaction.rearm(row, as: job)
                return job
            }, then: then)
    }

    package func erase(_ id: String, tenant: String?, at now: Timestamp, then: @escaping Completion<Bool>) {
        self.submit(
            { transaction in
                guard let row = try JobRow.find(id, tenant: tenant, in: transaction.db), row.job.state.isTerminal, row.batch == nil else { return false }
                try transaction.erase(row.id)
                if let verification = try transaction.verification(ofRequest: row.job.requestID) {
                    try transaction.end(verification, by: .cancelRequested, at: now)
                    try transaction.erase(verification)
                }
                // Where an answer was kept under a key too, it goes; the promise of one stays.
                try transaction.db.cachedStatement(literal: "DELETE FROM kept_answer WHERE job = \(id) AND status <> 202").execute()
                return true
            }, then: then)
    }

    package func sweep(_ limits: SweepLimits, own: [String: SweepLimits], at now: Timestamp, then: @escaping Completion<Int>) {
        self.submit(
            { transaction in
                var erased = try transaction.erase(limits, of: .others(than: own.keys.sorted()), at: now)
                for (name, limits) in own { erased += try transaction.erase(limits, of: .only(name), at: now) }
                if erased > 0 {
                    transaction.hasErased = true
                    // Gives back what was freed, a little at a time.
                    _ = try Row.fetchAll(transaction.db, sql: "PRAGMA incremental_vacuum(2000)")
                }
                return erased
            }, then: then)
    }
}

/// Whose things are erased.
private enum SweptTenants {
    case only(String)
    case others(than: [String])

    /// A JSON list.
    var names: String {
        var json: [UInt8] = []
        switch self {
        case .only(let name): json.append(jsonString: name)
        case .others(let names):
            for (index, name) in names.enumerated() {
                if index > 0 { json.append(UInt8(ascii: ",")) }
                json.append(jsonString: name)
            }
        }
        return "[" + String(decoding: json, as: UTF8.self) + "]"
    }

    var areListed: Bool { if case .only = self { true } else { false } }
}

extension WriteTransaction {
    private static let jobsPerSweep = 500

    fileprivate mutating func erase(_ job: Int64) throws {
        try self.db.cachedStatement(literal: "DELETE FROM job WHERE id = \(job) AND state > 3").execute()
        self.hasErased = true
    }

    fileprivate func erase(_ limits: SweepLimits, of tenants: SweptTenants, at now: Timestamp) throws -> Int {
        var erased = 0
        if let results = limits.results { erased += try self.eraseAnswers(before: results, of: tenants) }
        if let prompts = limits.prompts { erased += try self.erasePrompts(before: prompts, of: tenants, at: now) }
        return erased
    }

    /// Answers of single jobs, and verifications as a whole; those of a batch go together, once it is old enough as a whole, and what was told of either.
    private func eraseAnswers(before limit: Timestamp, of tenants: SweptTenants) throws -> Int {
        let jobs = try Int64.fetchAll(
            self.db.cachedStatement(
                literal: """
                    SELECT id FROM job WHERE has_result = 1 AND batch IS NULL AND finished_ms IS NOT NULL AND finished_ms < \(limit.milliseconds)
                      AND (tenant IN (SELECT value FROM json_each(\(tenants.names)))) = \(tenants.areListed)
                    ORDER BY finished_ms LIMIT \(WriteTransaction.jobsPerSweep)
                    """))
        for job in jobs {
            try self.db.cachedStatement(literal: "DELETE FROM job_result WHERE job = \(job)").execute()
            try self.db.cachedStatement(literal: "UPDATE job SET has_result = 0 WHERE id = \(job)").execute()
            try self.db.cachedStatement(literal: "DELETE FROM kept_answer WHERE job = (SELECT pub FROM job WHERE id = \(job)) AND status <> 202").execute()
        }
        try self.db.cachedStatement(
            literal: """
                DELETE FROM job WHERE id IN (
                  SELECT id FROM job WHERE kind = 5 AND finished_ms IS NOT NULL AND finished_ms < \(limit.milliseconds)
                    AND (tenant IN (SELECT value FROM json_each(\(tenants.names)))) = \(tenants.areListed)
                  ORDER BY finished_ms LIMIT \(WriteTransaction.jobsPerSweep))
                """
        ).execute()
        let verifications = self.db.changesCount
        try self.db.cachedStatement(
            literal: """
                UPDATE batch SET is_output_deleted = 1, is_error_deleted = 1, is_erasing = 1
                WHERE status > 2 AND is_output_deleted + is_error_deleted < 2 AND ended_ms < \(limit.milliseconds)
                  AND (tenant IN (SELECT value FROM json_each(\(tenants.names)))) = \(tenants.areListed)
                """
        ).execute()
        let batches = self.db.changesCount
        if !tenants.areListed {
            try self.db.cachedStatement(literal: "DELETE FROM bundle WHERE state > 3 AND leftovers = '' AND ended_ms < \(limit.milliseconds)").execute()
        }
        try self.db.cachedStatement(
            literal: """
                DELETE FROM webhook_delivery WHERE state > 0 AND due_ms < \(limit.milliseconds) AND endpoint IN (
                  SELECT id FROM webhook_endpoint WHERE (tenant IN (SELECT value FROM json_each(\(tenants.names)))) = \(tenants.areListed))
                """
        ).execute()
        return jobs.count + verifications + batches + self.db.changesCount
    }

    /// Requests of single jobs, and the files of message batches, which nobody can delete himself.
    private func erasePrompts(before limit: Timestamp, of tenants: SweptTenants, at now: Timestamp) throws -> Int {
        let jobs = try Int64.fetchAll(
            self.db.cachedStatement(
                literal: """
                    SELECT id FROM job WHERE has_body = 1 AND finished_ms IS NOT NULL AND finished_ms < \(limit.milliseconds)
                      AND (tenant IN (SELECT value FROM json_each(\(tenants.names)))) = \(tenants.areListed)
                    ORDER BY finished_ms LIMIT \(WriteTransaction.jobsPerSweep)
                    """))
        for job in jobs {
            try self.db.cachedStatement(literal: "DELETE FROM job_body WHERE job = \(job)").execute()
            try self.db.cachedStatement(literal: "UPDATE job SET has_body = 0 WHERE id = \(job)").execute()
        }
        try self.db.cachedStatement(
            literal: """
                UPDATE file SET deleted_ms = \(now.milliseconds)
                WHERE purpose = \(StoredFile.Purpose.messageBatch.rawValue) AND deleted_ms IS NULL AND created_ms < \(limit.milliseconds)
                  AND (tenant IN (SELECT value FROM json_each(\(tenants.names)))) = \(tenants.areListed)
                  AND EXISTS (SELECT 1 FROM batch WHERE input_file = file.pub AND status > 2 AND ended_ms < \(limit.milliseconds))
                """
        ).execute()
        return jobs.count + self.db.changesCount
    }
}

extension Job {
    /// The job as it waits again; what was to happen some time after its creation happens as long after now.
    func rearmed(at now: Timestamp, deadline: Timestamp?) -> Job {
        var job = self
        job.state = .ready
        job.rung = self.kind == .verification ? Job.onOriginal : 0
        job.notBefore = now
        job.deadline = deadline
        job.promoteAt = self.promoteAt.map { now + ($0 - self.created) }
        job.finished = nil
        job.resultStatus = nil
        job.lastError = nil
        return job
    }
}

extension WriteTransaction {
    /// Lets a job at an end wait again as `job`, under a new generation and without its answer.
    mutating func rearm(_ row: JobRow, as job: Job) throws {
        let lane = try self.number(of: job.lane, batch: row.batch)
        let bucket = job.bucket.milliseconds
        try self.db.cachedStatement(literal: "DELETE FROM job_result WHERE job = \(row.id)").execute()
        try self.db.cachedStatement(
            literal: """
                UPDATE job SET state = \(job.state.rawValue), generation = generation + 1, lane = \(lane), rung = \(job.rung),
                  deadline_ms = \(job.deadline?.milliseconds), bucket_ms = \(bucket), not_before_ms = \(job.notBefore.milliseconds),
                  promote_at_ms = \(job.promoteAt?.milliseconds), finished_ms = NULL, result_status = NULL, last_error = NULL, has_result = 0,
                  failures = 0, doubts = 0
                WHERE id = \(row.id) AND \(sql: JobState.allows(.retried))
                """
        ).execute()
        guard self.db.changesCount == 1 else { preconditionFailure("a job that was just read as ended cannot be armed again") }
        self.move(
            LaneTable.Move(lane: lane, bucket: bucket, tokens: job.estimatedTokens, created: job.created.milliseconds, from: nil, to: job.state))
    }
}
