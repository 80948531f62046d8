import Dispatch
import FoundationEssentials
import Glibc
import SluiceCore
import Synchronization

/// The bytes of files: one file each in the folder `files`, by its id. What is still being received has another name there.
final class FileShelf: Sendable {
    private static let unfinished = ".part"

    let folder: String
    /// Where bytes are synced, which may take seconds: not on anybody's event loop.
    private let queue = DispatchQueue(label: "sluice.store.files")
    /// Ids whose bytes are here before their row is.
    private let arriving = Mutex<Set<String>>([])

    init(folder: String) {
        self.folder = folder
    }

    func create() throws(StoreError) {
        guard mkdir(self.folder, 0o700) == 0 || errno == EEXIST else { throw .system("cannot make the folder \(self.folder)") }
        try FileShelf.sync(parent(of: self.folder))
    }

    /// - Throws: For an id that would be a path.
    func path(of id: String) throws(StoreError) -> String {
        let isPlain = id.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isPlain, !id.isEmpty, id.utf8.count <= 128 else { throw StoreError(.other, "an id of a file is made of letters, digits, `-` and `_`") }
        return self.folder + "/" + id
    }

    // MARK: In

    func receive(_ id: String) throws(StoreError) -> FileReceiptOnDisk {
        let path = try self.path(of: id)
        let isNew = self.arriving.withLock { $0.insert(id).inserted }
        guard isNew, access(path, F_OK) != 0 else { throw StoreError(.other, "there is a file \(id) already") }
        do {
            return try FileReceiptOnDisk(path: path + FileShelf.unfinished) { self.hasArrived(id) }
        } catch {
            self.hasArrived(id)
            throw error
        }
    }

    /// Syncs what was received and gives it its name; `then` is called on the shelf's own thread. The file counts as arriving until
    /// ``hasArrived(_:)``.
    func put(_ receipt: FileReceiptOnDisk, as id: String, then: @escaping @Sendable (Result<Void, StoreError>) -> Void) {
        self.queue.async {
            then(
                Result { () throws(StoreError) in
                    try receipt.sync()
                    let path = try self.path(of: id)
                    guard rename(receipt.path, path) == 0 else { throw .system("cannot rename \(receipt.path)") }
                    try FileShelf.sync(self.folder)
                })
        }
    }

    func hasArrived(_ id: String) {
        self.arriving.withLock { _ = $0.remove(id) }
    }

    static func sync(_ folder: String) throws(StoreError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("cannot open \(folder)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system("cannot sync \(folder)", isSync: true) }
    }

    // MARK: Out

    /// nil where there is no such file.
    func read(_ id: String, at offset: Int, length: Int) throws(StoreError) -> [UInt8]? {
        let path = try self.path(of: id)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw .system("cannot open \(path)") }
            return nil
        }
        defer { close(descriptor) }
        var failure: StoreError?
        let bytes = [UInt8](unsafeUninitializedCapacity: max(0, length)) { buffer, count in
            while count < length {
                let got = pread(descriptor, buffer.baseAddress.map { $0 + count }, length - count, off_t(offset + count))
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = .system("cannot read \(path)") }
                guard got > 0 else { return }
                count += got
            }
        }
        if let failure { throw failure }
        return bytes
    }

    // MARK: Away

    /// Runs on the thread of the shelf.
    func later(_ work: @escaping @Sendable () -> Void) { self.queue.async(execute: work) }

    /// Deletes the bytes of a file, if there are any.
    func remove(_ id: String) throws(StoreError) {
        let path = try self.path(of: id)
        guard unlink(path) == 0 || errno == ENOENT else { throw .system("cannot delete \(path)") }
    }

    /// Erases all bytes of a file but those in `kept`, which are in order.
    func eraseAll(of id: String, but kept: [Range<Int>]) throws(StoreError) {
        let path = try self.path(of: id)
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw .system("cannot open \(path)") }
            return
        }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw .system("cannot look at \(path)") }
        var start = 0
        for range in kept + [Int(info.st_size)..<Int(info.st_size)] {
            if range.lowerBound > start { try FileShelf.zero(start..<range.lowerBound, of: descriptor, path) }
            start = max(start, range.upperBound)
        }
        guard fdatasync(descriptor) == 0 else { throw .system("cannot sync \(path)", isSync: true) }
    }

    /// Writes zeros where there are none yet: a range is looked at again with every sweep.
    private static func zero(_ range: Range<Int>, of descriptor: Int32, _ path: String) throws(StoreError) {
        let zeros = [UInt8](repeating: 0, count: min(range.count, 1 << 16))
        var found = zeros
        var start = range.lowerBound
        while start < range.upperBound {
            let count = min(zeros.count, range.upperBound - start)
            guard pread(descriptor, &found, count, off_t(start)) == count else { throw .system("cannot read \(path)") }
            if memcmp(found, zeros, count) != 0 {
                guard pwrite(descriptor, zeros, count, off_t(start)) == count else { throw .system("cannot erase in \(path)") }
            }
            start += count
        }
    }

    /// Files and receipts in the folder that are neither `known` nor on their way in.
    func strays(known: (String) throws -> Bool) throws -> [String] {
        // Before the rows are looked at: what arrives in between has been on its way now.
        let arriving = self.arriving.withLock { $0 }
        return try FileManager.default.contentsOfDirectory(atPath: self.folder).filter { name in
            if name.hasSuffix(FileShelf.unfinished) { return !arriving.contains(String(name.dropLast(FileShelf.unfinished.count))) }
            return try !arriving.contains(name) && !known(name)
        }
    }

    func removeStray(_ name: String) { unlink(self.folder + "/" + name) }

    private func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

extension StoreError {
    /// What the system's last error means.
    ///
    /// - Parameter isSync: A sync that fails leaves nobody knowing what is on disk.
    static func system(_ what: String, isSync: Bool = false) -> StoreError {
        let code: Code =
            switch errno {
            case ENOSPC, EDQUOT: .full
            case EIO: .ioFailure
            default: isSync ? .ioFailure : .other
            }
        return StoreError(code, "\(what): \(String(cString: strerror(errno)))")
    }
}
