import GRDB
package import SluiceCore

extension SQLiteJobStore {
    package func requeue(_ jobs: [Job], at now: Timestamp, then: @escaping Completion<Int>) {
        self.submit(
            { transaction in
                var changed = 0
                for job in jobs where try SQLiteJobStore.requeue(job, at: now, in: &transaction) { changed += 1 }
                return changed
            }, then: then)
    }

    private static func requeue(_ job: Job, at now: Timestamp, in transaction: inout WriteTransaction) throws -> Bool {
        guard let row = try JobRow.find(job.id, tenant: nil, in: transaction.db),
            let state = row.job.state.after(job.notBefore > now ? .requeuedToWait : .requeued)
        else { return false }
        let lane = try transaction.number(of: job.lane, batch: row.batch)
        let bucket = job.bucket.milliseconds
        try transaction.db.cachedStatement(
            literal: """
                UPDATE job SET state = \(state.rawValue), lane = \(lane), route = \(job.route), deadline_ms = \(job.deadline?.milliseconds),
                  bucket_ms = \(bucket), not_before_ms = \(job.notBefore.milliseconds), promote_at_ms = \(job.promoteAt?.milliseconds),
                  promote_to = \(job.promoteTo), max_cost_pico = \(job.maxCost?.pico), estimated_cost_pico = \(job.estimatedCost?.pico)
                WHERE id = \(row.id)
                """
        ).execute()
        transaction.move(row.move(to: nil))
        var arrival = row.move(to: state)
        arrival.lane = lane
        arrival.bucket = bucket
        arrival.from = nil
        transaction.move(arrival)
        return true
    }
}
