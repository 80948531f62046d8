import GRDB
package import SluiceCore

extension SQLiteJobStore {
    /// Makes up for the processes before this one: each call that they began and never ended is booked as in doubt, and their jobs are ready
    /// again, but for those whose client waited on a connection, in one transaction. To be called before anything is leased.
    ///
    /// Gives how many calls are in doubt.
    package func recover(at now: Timestamp, then: @escaping Completion<Int>) {
        let epoch = self.epoch
        self.submit(
            { transaction in
                let db = transaction.db
                let open = try Row.fetchAll(
                    db,
                    sql: """
                        SELECT attempt.job, attempt.n, attempt.bound_pico, ledger.seq, ledger.line, job.kind
                        FROM attempt JOIN job ON job.id = attempt.job JOIN ledger ON ledger.request_id = attempt.request_id AND ledger.attempt = attempt.n AND ledger.part = 0
                        WHERE NOT EXISTS (SELECT 1 FROM bundle_line WHERE bundle_line.job = attempt.job AND bundle_line.attempt = attempt.n)
                        ORDER BY ledger.seq
                        """)
                for row in open {
                    let intent = AttemptIntent(
                        entry: try LedgerEntry(stored: (row[4] as String).utf8, seq: row[3]), bound: (row[2] as Int64?).map(Money.init(pico:)))
                    var end = intent.inDoubt(at: now)
                    if row[5] == Job.Kind.verification.rawValue { end = end.asVerification() }
                    guard try transaction.chain.append(SealedEntry(end), to: db) else { continue }
                    var booking = BatchBooking()
                    booking.add(end)
                    try transaction.book(booking, toBatchOf: row[0], at: now)
                    try RawStatement("UPDATE job SET failures = failures + 1, doubts = doubts + 1 WHERE id = ?", in: db).run(.integer(row[0] as Int64))
                }
                // What is part of a provider's own batch goes on there.
                try db.execute(
                    sql: """
                        DELETE FROM attempt
                        WHERE NOT EXISTS (SELECT 1 FROM bundle_line WHERE bundle_line.job = attempt.job AND bundle_line.attempt = attempt.n)
                        """)
                try transaction.takeBackUnbuilt()
                let moves = try RawStatement(
                    """
                    UPDATE job SET state = \(JobState.target(of: .putBack).rawValue), owner = NULL
                    WHERE state IN (2, 3) AND state = \(JobState.leased.rawValue) AND owner <> ? AND \(JobState.allows(.putBack))
                    RETURNING \(LaneTable.Move.columns)
                    """, in: db
                ).all(.integer(epoch)) { LaneTable.Move($0, from: .leased, to: JobState.target(of: .putBack)) }
                for move in moves { transaction.move(move) }
                try SQLiteJobStore.endConnections(at: now, in: &transaction)
                return open.count
            }, then: then)
    }

    /// Who waited on a connection has gone with it: an answer would be paid for and read by nobody.
    private static func endConnections(at now: Timestamp, in transaction: inout WriteTransaction) throws {
        // In the words of the index `job_connected`; 1 is ``Job/Kind/held``.
        let left = try RawStatement("SELECT id FROM job WHERE kind = 1 AND finished_ms IS NULL", in: transaction.db).all { $0.long(0) }
        for job in left { try transaction.end(job, by: .cancelRequested, at: now) }
    }
}
