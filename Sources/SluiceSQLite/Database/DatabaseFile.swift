import GRDB
import Glibc
import SluiceCore
import Synchronization

/// A database that somebody else may be writing, read without leaving a trace in its folder.
///
/// A write-ahead log that nobody has open leaves no file behind, and SQLite would make two to read it. So while there is no log the file is
/// opened as one that does not change; when that proves wrong, because a server has started meanwhile, it is read again as one that does.
final class DatabaseFile: Sendable {
    private struct Version: Equatable {
        var isLogged: Bool
        var modified: Int64
        var size: Int64

        init(_ path: String) {
            var info = stat()
            self.isLogged = stat(path + "-wal", &info) == 0 && (info.st_size > 0 || access(path + "-shm", F_OK) == 0)
            _ = stat(path, &info)
            self.modified = Int64(info.st_mtim.tv_sec) * 1_000_000_000 + Int64(info.st_mtim.tv_nsec)
            self.size = Int64(info.st_size)
        }
    }

    private struct State {
        var queue: DatabaseQueue
        var version: Version
    }

    private let path: String
    private let state: Mutex<State>

    init(_ path: String) throws(StoreError) {
        self.path = path
        guard access(path, R_OK) == 0 else {
            throw StoreError(.other, "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        let version = Version(path)
        do {
            let queue = try DatabaseFile.open(path, isLogged: version.isLogged)
            self.state = Mutex(State(queue: queue, version: version))
            try queue.read { db in try SQLiteDatabase.checkOrigin(db, path: path) }
        } catch {
            throw StoreError.translating(error)
        }
    }

    func read<T>(_ value: (Database) throws -> T) throws -> T {
        while true {
            let (queue, version) = try self.current()
            let result = Result { try queue.read(value) }
            if version.isLogged || Version(self.path) == version { return try result.get() }
        }
    }

    /// The handle that fits what the folder looks like now.
    private func current() throws -> (DatabaseQueue, Version) {
        let version = Version(self.path)
        return try self.state.withLock { state in
            if version.isLogged != state.version.isLogged || (!version.isLogged && version != state.version) {
                state.queue = try DatabaseFile.open(self.path, isLogged: version.isLogged)
                state.version = version
            }
            return (state.queue, version)
        }
    }

    private static func open(_ path: String, isLogged: Bool) throws -> DatabaseQueue {
        var configuration = SQLiteDatabase.configuration(readers: 1)
        configuration.readonly = true
        let escaped = path.replacing("%", with: "%25").replacing("?", with: "%3F").replacing("#", with: "%23")
        return try DatabaseQueue(path: "file:\(escaped)?mode=ro\(isLogged ? "" : "&immutable=1")", configuration: configuration)
    }
}
