import GRDB
import SluiceCore

extension SQLiteDatabase {
    /// `SLCE`: marks the file as ours.
    static let applicationID = 0x534C_4345

    /// The settings of `promises.md` 4.2, all but `synchronous`, which GRDB overwrites after this ran.
    static func configuration(readers: Int) -> Configuration {
        var configuration = Configuration()
        configuration.label = "sluice.store"
        configuration.maximumReaderCount = readers
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase(self.prepare)
        return configuration
    }

    /// What every connection is set to before its first statement.
    static func prepare(_ db: Database) throws {
        try db.execute(
            sql: """
                PRAGMA trusted_schema = OFF;
                PRAGMA cell_size_check = ON;
                PRAGMA mmap_size = 0;
                PRAGMA temp_store = MEMORY;
                """)
        if db.configuration.readonly {
            try db.execute(sql: "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0")
        } else {
            // The first two take only before the first page is written, so before the journal mode is set; with pages of 8 kB seven lines of
            // the ledger share one. Checkpoints are made when the writer is idle; the automatic one is the net below it.
            try db.execute(
                sql: """
                    PRAGMA page_size = 8192;
                    PRAGMA auto_vacuum = INCREMENTAL;
                    PRAGMA secure_delete = ON;
                    PRAGMA journal_size_limit = 67108864;
                    PRAGMA wal_autocheckpoint = 8000;
                    """)
            try self.fitCache(db)
        }
    }

    /// Gives the writer a sixty-fourth of the file as its cache, from 4 MB to 16: the inner pages of every index find room, and a small ledger that grows
    /// for weeks does not fill memory with pages that nobody reads again.
    static func fitCache(_ db: Database) throws {
        let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
        let kilobytes = min(max(pages * 8 / 64, 4000), 16_000)
        try db.execute(literal: "PRAGMA cache_size = \(sql: String(-kilobytes))")
    }

    /// Sets and reads back what an acknowledgement rests on.
    ///
    /// - Throws: Where SQLite does not say that it will sync each commit: then nothing may be acknowledged.
    static func makeDurable(_ db: Database) throws {
        try db.execute(sql: "PRAGMA synchronous = FULL")
        guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2, try String.fetchOne(db, sql: "PRAGMA journal_mode") == "wal" else {
            throw StoreError(.ioFailure, "SQLite does not take `synchronous = FULL` with a write-ahead log, so nothing would be safe on disk")
        }
    }

    /// Marks the file as ours.
    static func claim(_ db: Database) throws {
        guard try Int.fetchOne(db, sql: "PRAGMA application_id") == 0 else { return }
        try db.execute(literal: "PRAGMA application_id = \(sql: String(SQLiteDatabase.applicationID))")
    }

    /// - Throws: ``StoreError/Code/incompatible`` for a file of another program or of a later version.
    static func checkOrigin(_ db: Database, path: String) throws {
        let application = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        let isEmpty = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0
        guard application == self.applicationID || isEmpty else {
            throw StoreError(.incompatible, "\(path) is not a database of Sluice's")
        }
        guard version <= Schema.version else {
            throw StoreError(.incompatible, "\(path) was written by a later Sluice (schema \(version), this one knows \(Schema.version))")
        }
    }
}
