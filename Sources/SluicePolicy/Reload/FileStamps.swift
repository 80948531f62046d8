import Glibc

/// What tells whether files were changed: which there are, how large, and when they were written.
struct FileStamps: Hashable, Sendable {
    private struct Stamp: Hashable, Sendable {
        var size: Int
        var inode: UInt64
        var seconds: Int
        var nanoseconds: Int
    }

    private var stamps: [String: Stamp] = [:]

    init(of folder: PolicyFolder) {
        for path in folder.filePaths {
            var status = stat()
            guard stat(path, &status) == 0 else { continue }
            self.stamps[path] = Stamp(
                size: Int(status.st_size), inode: UInt64(status.st_ino), seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec
            )
        }
    }
}
