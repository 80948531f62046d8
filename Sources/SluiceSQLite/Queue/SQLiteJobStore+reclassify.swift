import GRDB
package import SluiceCore

extension SQLiteJobStore {
    package func call(of id: String, tenant: String?) throws(StoreError) -> StoredCall? {
        try self.reader.read { db in
            guard let row = try JobRow.find(id, tenant: tenant, in: db), row.job.source == nil else { return nil }
            return try PackedCall.find(row.id, in: db)?.unpacked()
        }
    }

    package func reclassify(_ jobs: [Job], then: @escaping Completion<Int>) {
        self.submit({ transaction in try jobs.reduce(0) { count, job in try transaction.reclassify(job) ? count + 1 : count } }, then: then)
    }
}

extension WriteTransaction {
    /// False where it does not wait, or has all of that already.
    fileprivate mutating func reclassify(_ job: Job) throws -> Bool {
        guard let row = try JobRow.find(job.id, tenant: nil, in: self.db), row.job.state == .held || row.job.state == .ready else { return false }
        var new = row.job
        (new.trafficClass, new.route, new.sentModel) = (job.trafficClass, job.route, job.sentModel)
        (new.deadline, new.notBefore, new.promoteAt, new.promoteTo) = (job.deadline, job.notBefore, job.promoteAt, job.promoteTo)
        (new.maxCost, new.estimatedCost, new.rung, new.state) = (job.maxCost, job.estimatedCost, job.rung, job.state)
        new.estimatedTokens = job.estimatedTokens
        guard row.job.isOtherwise(new) else { return false }
        let event = new.state == .held ? JobState.Event.reclassifiedToWait : .reclassified
        let (lane, bucket) = (try self.number(of: new.lane, batch: row.batch), new.bucket.milliseconds)
        try self.db.cachedStatement(
            literal: """
                UPDATE job SET state = \(JobState.target(of: event).rawValue), lane = \(lane), rung = \(new.rung), route = \(new.route),
                  deadline_ms = \(new.deadline?.milliseconds), bucket_ms = \(bucket), not_before_ms = \(new.notBefore.milliseconds),
                  promote_at_ms = \(new.promoteAt?.milliseconds), promote_to = \(new.promoteTo), max_cost_pico = \(new.maxCost?.pico),
                  estimated_cost_pico = \(new.estimatedCost?.pico), estimated_tokens = \(new.estimatedTokens)
                WHERE id = \(row.id) AND \(sql: JobState.allows(event))
                """
        ).execute()
        guard self.db.changesCount == 1 else { preconditionFailure("a job that was just read as waiting cannot be reclassified") }
        self.move(row.move(to: nil))
        self.move(
            LaneTable.Move(
                lane: lane, bucket: bucket, tokens: new.estimatedTokens, created: new.created.milliseconds, from: nil, to: JobState.target(of: event)))
        return true
    }
}

extension Job {
    /// Whether a policy has given it something else.
    fileprivate func isOtherwise(_ other: Job) -> Bool {
        (self.lane, self.route, self.promoteTo ?? "") != (other.lane, other.route, other.promoteTo ?? "")
            || (self.deadline, self.promoteAt, self.notBefore, self.state) != (other.deadline, other.promoteAt, other.notBefore, other.state)
            || (self.maxCost, self.estimatedCost) != (other.maxCost, other.estimatedCost)
    }
}
