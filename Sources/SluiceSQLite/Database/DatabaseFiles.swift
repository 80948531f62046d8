import FoundationEssentials
import Glibc
import SluiceCore
import Synchronization

/// The files that the database was opened with: what is written into others of the same name would be a second history.
final class DatabaseFiles: Sendable {
    private struct Identity: Equatable {
        var device: dev_t
        var inode: ino_t

        init?(_ path: String) {
            var info = stat()
            guard stat(path, &info) == 0 else { return nil }
            self.device = info.st_dev
            self.inode = info.st_ino
        }
    }

    private let path: String
    private let files: [(path: String, identity: Identity?)]
    private let nextCheck = Mutex(0)

    /// - Parameter path: Of the database, which is open.
    init(_ path: String) {
        self.path = path
        self.files = [path, path + "-wal", path + "-shm"].map { ($0, Identity($0)) }
    }

    /// What is wrong, if anything; looked at once a second at most.
    func failure() -> StoreError? {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &now)
        let isDue = self.nextCheck.withLock { next in
            guard now.tv_sec >= next else { return false }
            next = now.tv_sec + 1
            return true
        }
        guard isDue, let lost = self.files.first(where: { Identity($0.path) != $0.identity }) else { return nil }
        return StoreError(.ioFailure, "\(lost.path) was removed or replaced while it was in use")
    }

    /// Makes an empty database file that only its owner can read; SQLite gives its other files the same mode.
    static func create(_ path: String) throws(StoreError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StoreError(errno == ENOSPC ? .full : .other, "cannot open \(path): \(String(cString: strerror(errno)))") }
        close(descriptor)
    }

    /// - Throws: Where the folder lies on a file system whose locks or syncs cannot be relied on.
    static func checkFileSystem(of folder: String) throws(StoreError) {
        let networks: Set<Substring> = ["nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "fuse.sshfs"]
        guard let type = self.fileSystem(of: folder), networks.contains(type) else { return }
        throw StoreError(.incompatible, "\(folder) is on a network file system (\(type)); a write-ahead log needs a local one")
    }

    /// The type of the mount that holds `folder`; nil where the system does not tell.
    ///
    /// A line is `36 35 98:0 /root /mount options… - type source options`.
    private static func fileSystem(of folder: String) -> Substring? {
        var info = stat()
        guard stat(folder, &info) == 0, let mounts = try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8) else { return nil }
        // As the C library's macros `major` and `minor` do it.
        let number = UInt64(info.st_dev)
        let major = (number >> 8) & 0xFFF | (number >> 32) & 0xFFFF_F000
        let minor = number & 0xFF | (number >> 12) & 0xFFFF_FF00
        let device = "\(major):\(minor)"
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 2, fields[2] == device, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else { continue }
            return fields[dash + 1]
        }
        return nil
    }
}
