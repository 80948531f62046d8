import Glibc
import Synchronization

/// How often this process has asked the disk to make something durable.
enum SyncCount {
    fileprivate static let calls = Atomic(0)

    static var now: Int { self.calls.load(ordering: .relaxed) }

    fileprivate typealias Sync = @convention(c) (CInt) -> CInt

    fileprivate static let fdatasync = Self.system("fdatasync")
    fileprivate static let fsync = Self.system("fsync")

    private static func system(_ name: String) -> Sync {
        // `RTLD_NEXT`: the one behind ours.
        guard let function = dlsym(UnsafeMutableRawPointer(bitPattern: -1), name) else { preconditionFailure("there is no \(name)") }
        return unsafeBitCast(function, to: Sync.self)
    }
}

// SQLite calls these instead of the system's, since the program comes before its libraries. They are public, since a release keeps
// no other name for the libraries to find.

@_cdecl("fdatasync") public func countedDataSync(_ file: CInt) -> CInt {
    SyncCount.calls.add(1, ordering: .relaxed)
    return SyncCount.fdatasync(file)
}

@_cdecl("fsync") public func countedSync(_ file: CInt) -> CInt {
    SyncCount.calls.add(1, ordering: .relaxed)
    return SyncCount.fsync(file)
}
