import GRDB
package import SluiceCore

/// What time does to waiting jobs.
extension SQLiteJobStore {
    /// How many jobs one transaction moves: a window that opens on half a million of them must not hold up everybody else.
    private static let jobsPerStep = 5000

    package func release(at now: Timestamp, then: @escaping Completion<ReleaseOutcome>) {
        self.submit(
            { transaction in
                let opened = try SQLiteJobStore.open(at: now, in: &transaction)
                let promoted = try SQLiteJobStore.promote(at: now, in: &transaction)
                let isMoreDue = max(opened, promoted) >= SQLiteJobStore.jobsPerStep
                return ReleaseOutcome(moved: opened + promoted, next: isMoreDue ? now : try SQLiteJobStore.nextMove(in: transaction.db))
            }, then: then)
    }

    private static func open(at now: Timestamp, in transaction: inout WriteTransaction) throws -> Int {
        let moves = try RawStatement(
            """
            UPDATE job SET state = \(JobState.target(of: .windowOpened).rawValue)
            WHERE id IN (SELECT id FROM job WHERE state = 0 AND not_before_ms <= ? ORDER BY not_before_ms LIMIT ?) AND \(JobState.allows(.windowOpened))
            RETURNING \(LaneTable.Move.columns)
            """, in: transaction.db
        ).all(.integer(now.milliseconds), .integer(self.jobsPerStep)) { LaneTable.Move($0, from: .held, to: JobState.target(of: .windowOpened)) }
        for move in moves { transaction.move(move) }
        return moves.count
    }

    private static func promote(at now: Timestamp, in transaction: inout WriteTransaction) throws -> Int {
        let rows = try RawStatement(
            """
            SELECT \(JobRow.columns) FROM \(JobRow.tables)
            WHERE job.state < 2 AND job.rung <> 1 AND job.promote_at_ms IS NOT NULL AND job.promote_at_ms <= ? AND \(JobState.allows(.promoted))
            ORDER BY job.promote_at_ms LIMIT ?
            """, in: transaction.db
        ).all(.integer(now.milliseconds), .integer(self.jobsPerStep), read: JobRow.init)
        var promoted = 0
        for row in rows where try self.promote(row, in: &transaction) { promoted += 1 }
        return promoted
    }

    private static func promote(_ row: JobRow, in transaction: inout WriteTransaction) throws -> Bool {
        var job = row.job
        job.rung = 1
        let lane = try transaction.number(of: job.lane, batch: row.batch)
        try transaction.db.cachedStatement(
            literal: """
                UPDATE job SET state = \(JobState.target(of: .promoted).rawValue), lane = \(lane), rung = \(job.rung)
                WHERE id = \(row.id) AND rung <> 1 AND \(sql: JobState.allows(.promoted))
                """
        ).execute()
        guard transaction.db.changesCount == 1 else { return false }
        transaction.move(row.move(to: nil))
        var arrival = row.move(to: JobState.target(of: .promoted))
        arrival.lane = lane
        arrival.from = nil
        transaction.move(arrival)
        return true
    }

    package func promote(_ id: String, at now: Timestamp, then: @escaping Completion<Bool>) {
        self.submit(
            { transaction in
                guard let row = try JobRow.find(id, tenant: nil, in: transaction.db), row.job.promoteTo != nil else { return false }
                guard row.job.rung != 1 else { return !row.job.state.isTerminal }
                return try SQLiteJobStore.promote(row, in: &transaction)
            }, then: then)
    }

    package func promote(_ lane: Job.Lane, bucket: Timestamp, limit: Int, at now: Timestamp, then: @escaping Completion<Int>) {
        self.submit(
            { transaction in
                var promoted = 0
                let shares = transaction.backlog.withTable { $0.waitingShares(of: lane, bucket: bucket.milliseconds) }
                for share in shares where promoted < limit {
                    for state in [JobState.ready, .held] {
                        promoted += try SQLiteJobStore.promote(share, in: bucket, state, limit: limit - promoted, &transaction)
                    }
                }
                return promoted
            }, then: then)
    }

    private static func promote(
        _ lane: Int64, in bucket: Timestamp, _ state: JobState, limit: Int, _ transaction: inout WriteTransaction
    ) throws -> Int {
        guard limit > 0 else { return 0 }
        let rows = try RawStatement(state == .ready ? self.promotableReady : self.promotableHeld, in: transaction.db)
            .all(.integer(lane), .integer(bucket.milliseconds), .integer(min(limit, self.jobsPerStep)), read: JobRow.init)
        var promoted = 0
        for row in rows where try self.promote(row, in: &transaction) { promoted += 1 }
        return promoted
    }

    private static let promotableReady = """
        SELECT \(JobRow.columns) FROM \(JobRow.tables)
        WHERE job.state = 1 AND job.lane = ? AND job.bucket_ms = ? AND job.rung <> 1 AND job.promote_at_ms IS NOT NULL
        ORDER BY job.prefix, job.id LIMIT ?
        """
    private static let promotableHeld = """
        SELECT \(JobRow.columns) FROM \(JobRow.tables)
        WHERE job.state = 0 AND job.lane = ? AND job.bucket_ms = ? AND job.rung <> 1 AND job.promote_at_ms IS NOT NULL
        ORDER BY job.not_before_ms DESC LIMIT ?
        """

    private static func nextMove(in db: Database) throws -> Timestamp? {
        let opening = try Int64.fetchOne(db.cachedStatement(literal: "SELECT min(not_before_ms) FROM job WHERE state = 0"))
        let promotion = try Int64.fetchOne(
            db.cachedStatement(literal: "SELECT min(promote_at_ms) FROM job WHERE state < 2 AND rung <> 1 AND promote_at_ms IS NOT NULL"))
        return [opening, promotion].compactMap { $0 }.min().map(Timestamp.init(milliseconds:))
    }

    package func expire(at now: Timestamp, then: @escaping Completion<(expired: [String], overdue: [String])>) {
        self.submit(
            { transaction in
                let due = try RawStatement(
                    """
                    SELECT id, pub, state FROM job WHERE finished_ms IS NULL AND deadline_ms IS NOT NULL AND deadline_ms <= ?
                    ORDER BY deadline_ms LIMIT ?
                    """, in: transaction.db
                ).all(.integer(now.milliseconds), .integer(SQLiteJobStore.jobsPerStep)) { ($0.long(0), $0.text(1), JobState(rawValue: $0.int(2))) }
                var expired: [String] = []
                var overdue: [String] = []
                for (id, name, state) in due {
                    if state != .leased {
                        try transaction.end(id, by: .deadlinePassed, at: now)
                        expired.append(name)
                    } else {
                        overdue.append(name)
                    }
                }
                try transaction.expireIntakes(at: now)
                return (expired, overdue)
            }, then: then)
    }
}
