import GRDB
package import SluiceCore

extension SQLiteLedger {
    /// Deletes what is older than the policy keeps, a part at a time: entries by whole hours up to a checkpoint, which stands for them from
    /// then on, and sums by the hour.
    ///
    /// - Parameters:
    ///   - entries: Entries from before then are not kept; nil keeps all.
    ///   - sums: The same for the sums of hours.
    ///   - then: Told how many rows were deleted: while it is more than none, there may be more.
    package func forget(
        entriesBefore entries: Timestamp?, sumsBefore sums: Timestamp?, at now: Timestamp, then: @escaping @Sendable (Result<Int, StoreError>) -> Void
    ) {
        guard let writer else { return then(.failure(.readOnly)) }
        writer.submit(
            WriteOperation(
                { transaction in
                    var deleted = 0
                    if let entries { deleted += try transaction.deleteEntries(before: entries, at: now) }
                    if let sums { deleted += try transaction.deleteSums(before: sums.hour) }
                    guard deleted > 0 else { return 0 }
                    transaction.hasErased = true
                    _ = try Row.fetchAll(transaction.db, sql: "PRAGMA incremental_vacuum(2000)")
                    return deleted
                }, then: then))
    }

    package func kept() throws(StoreError) -> LedgerKept {
        try self.reader.read { db in
            let hour = try RollupCut.current(in: db).hour
            return LedgerKept(entriesFrom: try LedgerCut.current(in: db)?.at, sumsFrom: hour == .distantPast ? nil : hour)
        }
    }
}

extension WriteTransaction {
    private static let entriesPerPart = 2000

    /// The beginning of a call that is under way stays, and all behind it: a provider's batch may take days, and its end needs it.
    fileprivate func deleteEntries(before limit: Timestamp, at now: Timestamp) throws -> Int {
        let cut = try Int64.fetchOne(self.db.cachedStatement(sql: "SELECT max(seq) FROM ledger_cut")) ?? 0
        let next =
            try Int64.fetchOne(
                self.db.cachedStatement(
                    literal: """
                        SELECT max(seq) FROM checkpoint
                        WHERE seq < (SELECT ifnull(min(first_seq), 9223372036854775807) FROM ledger_hour WHERE hour_ms > \(limit.milliseconds - 3_600_000))
                          AND seq < (
                            SELECT ifnull(min(ledger.seq), 9223372036854775807)
                            FROM attempt JOIN ledger ON ledger.request_id = attempt.request_id AND ledger.attempt = attempt.n AND ledger.part = 0)
                        """)) ?? 0
        if next > cut {
            try self.db.cachedStatement(literal: "INSERT INTO ledger_cut(seq, cut_ms) VALUES (\(next), \(now.milliseconds))").execute()
            try self.cutHours(through: next)
        }
        let last = max(cut, next)
        guard last > 0, let first = try Int64.fetchOne(self.db.cachedStatement(sql: "SELECT min(seq) FROM ledger")), first <= last else { return 0 }
        let end = min(last, first + Int64(WriteTransaction.entriesPerPart) - 1)
        try self.db.cachedStatement(literal: "DELETE FROM ledger WHERE seq <= \(end)").execute()
        return self.db.changesCount
    }

    /// Takes entries out of the table of hours; one that was written late may be of an hour whose others are gone.
    private func cutHours(through last: Int64) throws {
        let torn = try Int64.fetchAll(
            self.db.cachedStatement(literal: "SELECT hour_ms FROM ledger_hour WHERE first_seq <= \(last) AND last_seq > \(last)"))
        for hour in torn {
            try self.db.cachedStatement(
                literal: """
                    UPDATE ledger_hour SET (first_seq, entries) = (
                      SELECT min(seq - (begun_ms IS NOT NULL)), count(*) + count(begun_ms) FROM ledger
                      WHERE seq > \(last) AND seq <= ledger_hour.last_seq AND at_ms >= \(hour) AND at_ms < \(hour + 3_600_000))
                    WHERE hour_ms = \(hour)
                    """
            ).execute()
        }
        try self.db.cachedStatement(literal: "DELETE FROM ledger_hour WHERE last_seq <= \(last)").execute()
    }

    /// Deletes the oldest hour.
    fileprivate mutating func deleteSums(before limit: Timestamp) throws -> Int {
        let oldest = try Int64.fetchOne(self.db.cachedStatement(sql: "SELECT min(hour_ms) FROM rollup WHERE by_tag = 0"))
        guard let oldest, oldest < limit.milliseconds else { return 0 }
        var cut = try RollupCut.current(in: self.db)
        let sums = try String.fetchAll(self.db.cachedStatement(literal: "SELECT measures FROM rollup WHERE by_tag = 0 AND hour_ms = \(oldest)"))
        for sum in sums { cut.totals += try RollupMeasures(text: Array(sum.utf8)) }
        cut.hour = max(cut.hour, Timestamp(milliseconds: oldest + 3_600_000))
        try self.db.cachedStatement(
            literal: """
                INSERT OR REPLACE INTO rollup_cut(id, hour_ms, totals)
                VALUES (1, \(cut.hour.milliseconds), \(String(decoding: cut.totals.text, as: UTF8.self)))
                """
        ).execute()
        try self.db.cachedStatement(literal: "DELETE FROM rollup WHERE by_tag IN (0, 1) AND hour_ms = \(oldest)").execute()
        self.hasForgottenSums = true
        return self.db.changesCount
    }
}
