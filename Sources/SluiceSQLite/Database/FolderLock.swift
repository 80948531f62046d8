import Glibc
import SluiceCore
import Synchronization

/// The claim of one process on a data folder: held until it ends, however it ends.
///
/// A lock file of its own, since the locks on a database are dropped when any handle on it is closed.
final class FolderLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// - Throws: ``StoreError/Code/busy`` with the holder where another process has the folder.
    init(folder: DataFolder) throws(StoreError) {
        let path = folder.path + "/sluice.lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StoreError(.other, "cannot open \(path): \(String(cString: strerror(errno)))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = FolderLock.holder(in: descriptor)
            close(descriptor)
            throw StoreError(.busy, "the data folder \(folder.path) is in use by another sluice\(holder.map { " (process \($0))" } ?? "")")
        }
        self.descriptor = Mutex(descriptor)
        let text = Array("\(getpid())\n".utf8)
        ftruncate(descriptor, 0)
        pwrite(descriptor, text, text.count, 0)
    }

    deinit { self.release() }

    func release() {
        self.descriptor.withLock { descriptor in
            if let descriptor { close(descriptor) }
            descriptor = nil
        }
    }

    private static func holder(in descriptor: Int32) -> Int? {
        var text = [UInt8](repeating: 0, count: 20)
        let count = pread(descriptor, &text, text.count, 0)
        guard count > 0 else { return nil }
        return Int(String(decoding: text.prefix(count).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}
