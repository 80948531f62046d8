import GRDB
package import SluiceCore

extension SQLiteJobStore {
    /// Makes up for the processes before this one: each call that they began and never ended is booked as in doubt, and their jobs are ready
    /// again, in one transaction. To be called before anything is leased.
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
                        SELECT attempt.job, attempt.n, attempt.bound_pico, ledger.seq, ledger.line
                        FROM attempt JOIN ledger ON ledger.request_id = attempt.request_id AND ledger.attempt = attempt.n AND ledger.part = 0
                        WHERE attempt.ended_ms IS NULL ORDER BY ledger.seq
                        """)
                for row in open {
                    let intent = AttemptIntent(
                        entry: try LedgerRow(seq: row[3], line: Array((row[4] as String).utf8)).entry(), bound: (row[2] as Int64?).map(Money.init(pico:)))
                    let end = intent.inDoubt(at: now)
                    try transaction.chain.append(SealedEntry(end), to: db)
                    try db.execute(literal: "UPDATE attempt SET ended_ms = \(now.milliseconds) WHERE job = \(row[0] as Int64) AND n = \(row[1] as Int)")
                    var booking = BatchBooking()
                    booking.add(end)
                    try transaction.book(booking, toBatchOf: row[0], at: now)
                }
                // What is part of a provider's own batch goes on there.
                let rows = try Row.fetchAll(
                    db.cachedStatement(
                        literal: """
                            UPDATE job SET state = \(JobState.target(of: .putBack).rawValue), owner = NULL
                            WHERE state IN (2, 3) AND state = \(JobState.leased.rawValue) AND owner <> \(epoch) AND \(sql: JobState.allows(.putBack))
                            RETURNING lane, bucket_ms, estimated_tokens
                            """))
                for row in rows {
                    transaction.move(LaneTable.Move(lane: row[0], bucket: row[1], tokens: row[2], from: .leased, to: JobState.target(of: .putBack)))
                }
                return open.count
            }, then: then)
    }
}
