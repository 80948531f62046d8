import GRDB
import GRDBSQLite
package import SluiceCore
import Synchronization

/// The store of one data folder: one SQLite file, one writer, several readers.
package final class SQLiteDatabase: Sendable {
    /// What is on disk when a commit returns.
    package enum Durability: Sendable {
        /// The commit: nothing less may be acknowledged.
        case full
        /// Nothing for certain. Only for tests of crashes, which prove nothing unless they fail with it.
        case negativeControl
    }

    package struct Opening: Sendable {
        package var folder: DataFolder
        /// The database, where it is not the folder's own.
        package var path: String?
        package var readers = 4
        package var limits = StoreWriter.Limits()
        package var durability = Durability.full
        /// When the machine was started; nil where nobody knows.
        package var machineStarted = MachineStart.now
        /// Called once, on a thread of the store's, when a commit could not be made durable: the process must stop.
        package var onFailure: @Sendable (StoreError) -> Void = { _ in }

        package init(folder: DataFolder) {
            self.folder = folder
        }
    }

    /// The number of this start: the owner of its leases.
    package let epoch: Int64
    /// Whether the process before this one ended without closing the store.
    package let wasUnclean: Bool
    package let reader: StoreReader
    let writer: StoreWriter
    let shelf: FileShelf

    private let pool: DatabasePool
    private let lock: FolderLock
    private let isClosed = Mutex(false)

    /// Opens or makes the store for writing.
    ///
    /// - Throws: ``StoreError/Code/busy`` where another process has it, ``StoreError/Code/incompatible`` for a file that is not ours or of a later
    ///   version.
    package init(_ opening: Opening, at now: Timestamp) throws(StoreError) {
        do {
            try opening.folder.create()
            try DatabaseFiles.checkFileSystem(of: opening.folder.path)
            self.lock = try FolderLock(folder: opening.folder)
            let path = opening.path ?? opening.folder.database
            try FreshDatabase.make(at: path)
            try DatabaseFiles.create(path)
            let pool = try SQLiteDatabase.open(path, opening)
            (self.epoch, self.wasUnclean) = try SQLiteDatabase.begin(pool, at: now)
            if self.wasUnclean { try SQLiteDatabase.checkPages(of: pool, path: path, before: self.epoch, opening) }
            self.shelf = FileShelf(folder: opening.folder.files)
            try self.shelf.create()
            self.pool = pool
            self.reader = StoreReader(pool)
            self.writer = try StoreWriter(pool: pool, files: DatabaseFiles(path), limits: opening.limits, onFailure: opening.onFailure)
        } catch {
            throw StoreError.translating(error)
        }
    }

    /// Writes what is queued, and closes the files. Nothing can be read or written any more.
    ///
    /// Blocks until the readers are done. To close it twice does nothing.
    package func close(at now: Timestamp) throws(StoreError) {
        let isFirst = self.isClosed.withLock { isClosed in
            defer { isClosed = true }
            return !isClosed
        }
        guard isFirst else { return }
        self.writer.close()
        defer { self.lock.release() }
        do {
            try self.pool.write { db in
                try db.execute(literal: "UPDATE boot SET ended_ms = \(now.milliseconds) WHERE epoch = \(self.epoch)")
            }
            try self.pool.writeWithoutTransaction { db in
                _ = try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            }
            // GRDB closes the readers last, which may not remove the log. Without any the writer is the last, and does.
            self.pool.releaseMemory()
            try self.pool.close()
        } catch {
            throw StoreError.translating(error)
        }
    }

    /// What the writing connection says of its own settings.
    package func settings() throws(StoreError) -> [String: String] {
        let names = [
            "synchronous", "journal_mode", "auto_vacuum", "secure_delete", "foreign_keys", "trusted_schema", "cell_size_check", "mmap_size", "page_size",
            "journal_size_limit", "busy_timeout", "application_id", "user_version",
        ]
        do {
            return try self.pool.writeWithoutTransaction { db in
                var settings = ["sqlite": String(cString: sqlite3_libversion())]
                for name in names { settings[name] = try String.fetchOne(db.cachedStatement(literal: "PRAGMA \(sql: name)")) }
                return settings
            }
        } catch {
            throw StoreError.translating(error)
        }
    }

    private static func open(_ path: String, _ opening: Opening) throws -> DatabasePool {
        try self.checkOrigin(of: path)
        let pool = try DatabasePool(path: path, configuration: self.configuration(readers: opening.readers))
        // GRDB has set it to NORMAL.
        if opening.durability == .full { try pool.writeWithoutTransaction(self.makeDurable) }
        // Before the migrator's own table, or a start that ends in between leaves a file that is nobody's.
        try pool.write(self.claim)
        try Schema.migrator.migrate(pool)
        return pool
    }

    /// Looks at a file before anything is set: one that is not ours must stay as it is.
    private static func checkOrigin(of path: String) throws {
        var reading = Configuration()
        reading.readonly = true
        do {
            try DatabaseQueue(path: path, configuration: reading).read { db in try self.checkOrigin(db, path: path) }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_READONLY {
            // A crash left a transaction of before there was a write-ahead log. Whoever writes takes it back first.
            reading.readonly = false
            try DatabaseQueue(path: path, configuration: reading).read { db in try self.checkOrigin(db, path: path) }
        }
    }

    /// Writes the row of this start.
    private static func begin(_ pool: DatabasePool, at now: Timestamp) throws -> (epoch: Int64, wasUnclean: Bool) {
        try pool.write { db in
            let isOpen = try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM boot WHERE ended_ms IS NULL)") ?? false
            try db.execute(literal: "INSERT INTO boot(started_ms) VALUES (\(now.milliseconds))")
            return (db.lastInsertedRowID, isOpen)
        }
    }

    /// After an end that nobody planned: whether the pages hold together.
    private static func checkPages(of pool: DatabasePool, path: String, before epoch: Int64, _ opening: Opening) throws {
        let found = try pool.read { db in try String.fetchAll(db, sql: "PRAGMA quick_check(3)") }
        guard found == ["ok"] else {
            throw StoreError(.ioFailure, "\(path) is damaged: \(found.joined(separator: "; ")); restore a backup, nothing was changed")
        }
        // Whether the machine went down with it, or the process alone, which loses nothing.
        let machine = opening.machineStarted?.milliseconds ?? Int64.min
        try pool.write { db in
            try db.execute(
                literal: "UPDATE boot SET ended_ms = CASE WHEN started_ms < \(machine) THEN -1 ELSE 0 END WHERE ended_ms IS NULL AND epoch < \(epoch)")
        }
    }
}
