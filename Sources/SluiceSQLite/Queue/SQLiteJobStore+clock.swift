import GRDB
package import SluiceCore

/// What time does to waiting jobs.
extension SQLiteJobStore {
    /// How many jobs one transaction moves: a window that opens on half a million of them must not hold up everybody else.
    private static let jobsPerStep = 5000

    package func release(at now: Timestamp, then: @escaping Completion<ReleaseOutcome>) {
        self.submit(
            { transaction in
                let db = transaction.db
                let opened = try SQLiteJobStore.open(at: now, in: db)
                let promoted = try SQLiteJobStore.promote(at: now, in: db)
                let isMoreDue = max(opened, promoted) >= SQLiteJobStore.jobsPerStep
                return ReleaseOutcome(moved: opened + promoted, next: isMoreDue ? now : try SQLiteJobStore.nextMove(in: db))
            }, then: then)
    }

    private static func open(at now: Timestamp, in db: Database) throws -> Int {
        try db.cachedStatement(
            literal: """
                UPDATE job SET state = \(JobState.target(of: .windowOpened).rawValue)
                WHERE id IN (
                  SELECT id FROM job WHERE state = 0 AND not_before_ms <= \(now.milliseconds) ORDER BY not_before_ms LIMIT \(self.jobsPerStep))
                  AND \(sql: JobState.allows(.windowOpened))
                """
        ).execute()
        return db.changesCount
    }

    private static func promote(at now: Timestamp, in db: Database) throws -> Int {
        let rows = try Row.fetchAll(
            db.cachedStatement(
                literal: """
                    SELECT \(sql: JobRow.columns) FROM job JOIN lane ON lane.id = job.lane
                    WHERE job.state < 2 AND job.rung = 0 AND job.promote_at_ms IS NOT NULL AND job.promote_at_ms <= \(now.milliseconds)
                      AND \(sql: JobState.allows(.promoted))
                    ORDER BY job.promote_at_ms LIMIT \(self.jobsPerStep)
                    """)
        ).map(JobRow.init)
        return try rows.count { try self.promote($0, in: db) }
    }

    private static func promote(_ row: JobRow, in db: Database) throws -> Bool {
        var job = row.job
        job.rung = 1
        let lane = try job.lane.number(in: db)
        try db.cachedStatement(
            literal: """
                UPDATE job SET state = \(JobState.target(of: .promoted).rawValue), lane = \(lane), rung = \(job.rung)
                WHERE id = \(row.id) AND rung = 0 AND \(sql: JobState.allows(.promoted))
                """
        ).execute()
        return db.changesCount == 1
    }

    package func promote(_ id: String, at now: Timestamp, then: @escaping Completion<Bool>) {
        self.submit(
            { transaction in
                guard let row = try JobRow.find(id, tenant: nil, in: transaction.db), row.job.promoteTo != nil else { return false }
                return try SQLiteJobStore.promote(row, in: transaction.db)
            }, then: then)
    }

    private static func nextMove(in db: Database) throws -> Timestamp? {
        let opening = try Int64.fetchOne(db.cachedStatement(literal: "SELECT min(not_before_ms) FROM job WHERE state = 0"))
        let promotion = try Int64.fetchOne(
            db.cachedStatement(literal: "SELECT min(promote_at_ms) FROM job WHERE state < 2 AND rung = 0 AND promote_at_ms IS NOT NULL"))
        return [opening, promotion].compactMap { $0 }.min().map(Timestamp.init(milliseconds:))
    }

    package func expire(at now: Timestamp, then: @escaping Completion<(expired: [String], overdue: [String])>) {
        self.submit(
            { transaction in
                let db = transaction.db
                let due = try Row.fetchAll(
                    db.cachedStatement(
                        literal: """
                            SELECT id, pub, state FROM job
                            WHERE state < 4 AND deadline_ms IS NOT NULL AND deadline_ms <= \(now.milliseconds) AND \(sql: JobState.allows(.deadlinePassed))
                            ORDER BY deadline_ms LIMIT \(SQLiteJobStore.jobsPerStep)
                            """))
                var expired: [String] = []
                var overdue: [String] = []
                for row in due {
                    guard (row[2] as Int) < JobState.leased.rawValue else {
                        overdue.append(row[1])
                        continue
                    }
                    try db.cachedStatement(
                        literal: """
                            UPDATE job SET state = \(JobState.target(of: .deadlinePassed).rawValue), finished_ms = \(now.milliseconds)
                            WHERE id = \(row[0] as Int64) AND \(sql: JobState.allows(.deadlinePassed))
                            """
                    ).execute()
                    expired.append(row[1])
                }
                return (expired, overdue)
            }, then: then)
    }
}
