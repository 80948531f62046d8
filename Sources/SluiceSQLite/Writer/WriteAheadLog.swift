import GRDB

/// When the write-ahead log is copied back into the database: in idle moments, by the writer alone.
///
/// SQLite before 3.51.3 may corrupt a database when one connection checkpoints while another commits, so nobody else ever does.
struct WriteAheadLog: Sendable {
    /// Pages that may be in the log before a moment without work is used, as far as can be told: about one per operation, one for four entries of live
    /// traffic, some per group. It takes two syncs, and what is written again and again in the meantime is copied once.
    private static let pagesBetween = 2000

    private var pages = 0
    private var isTruncationDue = false

    /// To be told of each commit. What was erased leaves the log at once, as long as nobody reads it just now, else as soon as may be.
    mutating func wrote(operations: Int, entries: Int, hasErased: Bool, _ db: Database) {
        self.pages += 8 + operations + entries / 4
        if hasErased { self.isTruncationDue = true }
        if self.isTruncationDue { self.truncate(db) }
    }

    /// To be called when nothing is left to write.
    mutating func rest(_ db: Database) {
        if self.isTruncationDue { self.truncate(db) }
        guard self.pages >= WriteAheadLog.pagesBetween else { return }
        self.pages = 0
        // A checkpoint that fails loses nothing: the log stands, and a commit that cannot be made says so itself.
        _ = try? Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(PASSIVE)")
        try? SQLiteDatabase.fitCache(db)
    }

    private mutating func truncate(_ db: Database) {
        // Without waiting for readers: they may be at it for seconds.
        guard (try? db.execute(sql: "PRAGMA busy_timeout = 0")) != nil else { return }
        defer { try? db.execute(sql: "PRAGMA busy_timeout = 5000") }
        guard let row = try? Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)"), row["busy"] == 0 else { return }
        self.isTruncationDue = false
        self.pages = 0
    }
}
