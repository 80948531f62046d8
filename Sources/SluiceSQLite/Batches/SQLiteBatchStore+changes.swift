import GRDB
package import SluiceCore

/// What people do to batches, and what of it is too much for one transaction.
extension SQLiteBatchStore {
    /// How many lines one transaction ends, arms again or deletes.
    private static let linesPerStep = 2000

    package func cancelBatch(
        _ id: String, tenant: String?, at now: Timestamp, then: @escaping Completion<(batch: Batch, running: [String])?>
    ) {
        self.submit(
            { transaction in
                let db = transaction.db
                guard let batch = try BatchStanding.find(id, tenant: tenant, in: db) else { return nil }
                var running: [String] = []
                if try transaction.carryOut(.cancelRequested, on: batch, at: now) == .cancelling {
                    _ = try SQLiteBatchStore.cancelSome(of: batch.id, atMost: SQLiteBatchStore.linesPerStep, at: now, in: &transaction)
                    running = try String.fetchAll(
                        db.cachedStatement(literal: "SELECT pub FROM job WHERE state IN (2, 3) AND state = 2 AND +batch = \(batch.id)"))
                }
                guard let found = try BatchRow.find(id, tenant: tenant, in: db) else { preconditionFailure("batch \(id) is gone inside a transaction") }
                return (found, running)
            }, then: then)
    }

    package func sweepBatches(at now: Timestamp, then: @escaping Completion<Int>) {
        self.submit(
            { transaction in
                var left = SQLiteBatchStore.linesPerStep
                let cancelling = try Int64.fetchAll(
                    transaction.db.cachedStatement(literal: "SELECT id FROM batch WHERE status < 3 AND status = \(BatchStatus.cancelling.rawValue)"))
                for batch in cancelling where left > 0 { left -= try SQLiteBatchStore.cancelSome(of: batch, atMost: left, at: now, in: &transaction) }
                let unfinished = try Row.fetchAll(
                    transaction.db.cachedStatement(
                        sql: """
                            SELECT id, erased_ms IS NOT NULL, is_erasing FROM batch
                            WHERE rearm_upto IS NOT NULL OR is_erasing = 1 OR erased_ms IS NOT NULL ORDER BY id
                            """))
                for row in unfinished where left > 0 {
                    let batch: Int64 = row[0]
                    if row[1] as Bool {
                        left -= try SQLiteBatchStore.deleteSome(of: batch, atMost: left, in: &transaction)
                    } else if row[2] as Bool {
                        left -= try SQLiteBatchStore.eraseSome(of: batch, atMost: left, in: &transaction)
                    } else {
                        left -= try SQLiteBatchStore.rearmSome(of: batch, atMost: left, at: now, in: &transaction)
                    }
                }
                return SQLiteBatchStore.linesPerStep - left
            }, then: then)
    }

    /// Looks through the lines in their order, a part at a time, and from the beginning again while any waits: one may have been put back.
    private static func cancelSome(of batch: Int64, atMost limit: Int, at now: Timestamp, in transaction: inout WriteTransaction) throws -> Int {
        guard transaction.backlog.withTable({ $0.hasCancellable(ofBatch: batch) }) else { return 0 }
        let waiting = try RawStatement(
            """
            SELECT id, line FROM job WHERE batch = ? AND line > (SELECT swept_line FROM batch WHERE id = ?) AND +state IN (0, 1, 3) ORDER BY line LIMIT ?
            """, in: transaction.db
        ).all(.integer(batch), .integer(batch), .integer(limit)) { ($0.long(0), $0.int(1)) }
        let swept = waiting.count < limit ? 0 : waiting.last?.1 ?? 0
        try RawStatement("UPDATE batch SET swept_line = ? WHERE id = ?", in: transaction.db).run(.integer(swept), .integer(batch))
        for (id, _) in waiting { try transaction.end(id, by: .cancelRequested, at: now) }
        return waiting.count
    }

    package func retryBatch(_ id: String, tenant: String?, at now: Timestamp, then: @escaping Completion<Batch?>) {
        self.submit(
            { transaction in
                let db = transaction.db
                guard var batch = try BatchStanding.find(id, tenant: tenant, in: db) else { return nil }
                let last = try Int64.fetchOne(
                    db.cachedStatement(literal: "SELECT max(seq) FROM batch_result WHERE batch = \(batch.id) AND side = 1"))
                if let last, batch.status.after(.retried) != nil {
                    guard try StoredFileRow.hasBytes(batch.inputFile, in: db) else {
                        throw StoreError(.other, "the file of batch \(id) was deleted, so its lines cannot run again")
                    }
                    // A pause of a batch that has ended means nothing any more.
                    batch.isPaused = batch.isPaused && !batch.status.isTerminal
                    try db.cachedStatement(
                        literal: """
                            UPDATE batch SET rearm_upto = \(last), generation = generation + 1, deadline_ms = \(now.milliseconds) + window_ms,
                              cancelling_ms = NULL, is_paused = \(batch.isPaused) WHERE id = \(batch.id)
                            """
                    ).execute()
                    try transaction.carryOut(.retried, on: batch, at: now)
                    _ = try SQLiteBatchStore.rearmSome(of: batch.id, atMost: SQLiteBatchStore.linesPerStep, at: now, in: &transaction)
                }
                return try BatchRow.find(id, tenant: tenant, in: db)
            }, then: then)
    }

    /// Arms lines again in the order of their results, which are dropped. The batch cannot end before all of them are.
    private static func rearmSome(of batch: Int64, atMost limit: Int, at now: Timestamp, in transaction: inout WriteTransaction) throws -> Int {
        let db = transaction.db
        let results = try RawStatement(
            """
            SELECT \(JobRow.columns), batch_result.seq, batch_result.bytes, batch.deadline_ms
            FROM \(JobRow.tables) JOIN batch_result ON batch_result.job = job.id
            WHERE batch_result.batch = ? AND batch_result.side = 1 AND batch_result.seq <= batch.rearm_upto ORDER BY batch_result.seq LIMIT ?
            """, in: db
        ).all(.integer(batch), .integer(limit)) {
            (try JobRow($0), $0.long(JobRow.width), $0.int(JobRow.width + 1), Timestamp(milliseconds: $0.long(JobRow.width + 2)))
        }
        var taken = BatchBooking()
        for (row, sequence, bytes, deadline) in results {
            try RawStatement("DELETE FROM batch_result WHERE seq = ?", in: db).run(.integer(sequence))
            try transaction.rearm(row, as: row.job.rearmed(at: now, deadline: row.job.deadline.map { _ in deadline }))
            taken.uncount(row.job.state, bytes: bytes)
        }
        if results.count < limit { try db.cachedStatement(literal: "UPDATE batch SET rearm_upto = NULL WHERE id = \(batch)").execute() }
        try transaction.book(taken, to: batch, at: now)
        return results.count
    }

    package func eraseBatch(_ id: String, tenant: String?, at now: Timestamp, then: @escaping Completion<Bool>) {
        self.submit(
            { transaction in
                guard let batch = try BatchStanding.find(id, tenant: tenant, in: transaction.db), batch.status.isTerminal else { return false }
                try transaction.db.cachedStatement(literal: "UPDATE batch SET erased_ms = \(now.milliseconds) WHERE id = \(batch.id)").execute()
                try transaction.forgetAnswers(about: id)
                _ = try SQLiteBatchStore.deleteSome(of: batch.id, atMost: SQLiteBatchStore.linesPerStep, in: &transaction)
                return true
            }, then: then)
    }

    package func eraseFile(_ side: BatchSide, of id: String, tenant: String?, at now: Timestamp, then: @escaping Completion<Bool>) {
        self.submit(
            { transaction in
                guard let batch = try BatchStanding.find(id, tenant: tenant, in: transaction.db), batch.status.isTerminal else { return false }
                try transaction.db.cachedStatement(
                    literal: """
                        UPDATE batch SET is_output_deleted = max(is_output_deleted, \(side != .errors)), is_error_deleted = max(is_error_deleted, \(side != .output)),
                          is_erasing = 1 WHERE id = \(batch.id)
                        """
                ).execute()
                _ = try SQLiteBatchStore.eraseSome(of: batch.id, atMost: SQLiteBatchStore.linesPerStep, in: &transaction)
                return true
            }, then: then)
    }

    /// Deletes answers that stood in deleted files of a batch.
    private static func eraseSome(of batch: Int64, atMost limit: Int, in transaction: inout WriteTransaction) throws -> Int {
        let db = transaction.db
        transaction.hasErased = true
        let lines = try Row.fetchAll(
            db.cachedStatement(
                literal: """
                    SELECT batch_result.seq, batch_result.job FROM batch JOIN batch_result ON batch_result.batch = batch.id
                    WHERE batch.id = \(batch) AND iif(batch_result.side = 0, is_output_deleted, is_error_deleted) = 1 LIMIT \(limit)
                    """))
        for line in lines {
            try db.cachedStatement(literal: "DELETE FROM batch_result WHERE seq = \(line[0] as Int64)").execute()
            try db.cachedStatement(literal: "DELETE FROM job_result WHERE job = \(line[1] as Int64)").execute()
            try db.cachedStatement(literal: "UPDATE job SET has_result = 0 WHERE id = \(line[1] as Int64)").execute()
        }
        if lines.count < limit { try db.cachedStatement(literal: "UPDATE batch SET is_erasing = 0 WHERE id = \(batch)").execute() }
        return lines.count
    }

    /// Deletes lines of a batch that nobody sees any more, and the batch with the last of them.
    private static func deleteSome(of batch: Int64, atMost limit: Int, in transaction: inout WriteTransaction) throws -> Int {
        let db = transaction.db
        transaction.hasErased = true
        try db.cachedStatement(
            literal: "DELETE FROM job WHERE id IN (SELECT id FROM job WHERE batch = \(batch) ORDER BY line LIMIT \(limit))"
        ).execute()
        let deleted = db.changesCount
        if deleted < limit { try db.cachedStatement(literal: "DELETE FROM batch WHERE id = \(batch)").execute() }
        return deleted
    }
}

extension BatchBooking {
    /// Takes back the end of a line.
    fileprivate mutating func uncount(_ state: JobState, bytes: Int) {
        switch state {
        case .failed: self.lines.failed -= 1
        case .expired: self.lines.expired -= 1
        case .cancelled: self.lines.cancelled -= 1
        case .held, .ready, .leased, .bundled, .done: preconditionFailure("a line that is \(state) is not armed again")
        }
        self.errorBytes -= bytes
    }
}
