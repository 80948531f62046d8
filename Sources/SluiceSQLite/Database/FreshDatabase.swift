import GRDB
import Glibc
import SluiceCore

/// Makes the database of a new data folder.
///
/// It is built under another name without a single sync, synced whole and then renamed: a start that ends in between leaves nothing under
/// the database's own name, and a first start waits for two syncs instead of seventeen.
enum FreshDatabase {
    /// Makes the database at `path` unless there is something already, be it what a crash left of one.
    static func make(at path: String) throws {
        guard !self.isTaken(path) else { return }
        let draft = path + ".new"
        for suffix in ["", "-journal", "-wal", "-shm"] { unlink(draft + suffix) }
        try DatabaseFiles.create(draft)
        try self.build(draft)
        try self.sync(draft)
        guard rename(draft, path) == 0 else { throw self.failure("cannot name \(path)") }
        try self.sync(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
    }

    private static func isTaken(_ path: String) -> Bool {
        var info = stat()
        if stat(path, &info) == 0, info.st_size > 0 { return true }
        return ["-journal", "-wal"].contains { stat(path + $0, &info) == 0 && info.st_size > 0 }
    }

    private static func build(_ path: String) throws {
        var configuration = Configuration()
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA synchronous = OFF")
            try SQLiteDatabase.prepare(db)
        }
        // Straight into the file, since what a log holds is lost where the last connection cannot copy it over, and nobody is told.
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA journal_mode = MEMORY") }
        try queue.write { db in
            try SQLiteDatabase.claim(db)
            try Schema.create(db)
        }
        try queue.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA journal_mode = WAL") }
        try queue.close()
    }

    /// - Parameter path: Of a file or of a folder.
    private static func sync(_ path: String) throws(StoreError) {
        let descriptor = open(path.isEmpty ? "." : path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw self.failure("cannot open \(path)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw self.failure("cannot sync \(path)") }
    }

    private static func failure(_ what: String) -> StoreError {
        StoreError(errno == ENOSPC || errno == EDQUOT ? .full : .ioFailure, "\(what): \(String(cString: strerror(errno)))")
    }
}
