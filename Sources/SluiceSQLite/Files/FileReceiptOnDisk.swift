import Crypto
import Glibc
package import SluiceCore
import Synchronization

/// A file on its way in, under another name than it will have.
package final class FileReceiptOnDisk: FileReceipt {
    private struct State {
        var descriptor: Int32?
        var bytes = 0
        var digest = SHA256()
    }

    let path: String
    private let state: Mutex<State>
    private let onEnd: @Sendable () -> Void

    /// - Parameter onEnd: Called when it is discarded.
    init(path: String, onEnd: @escaping @Sendable () -> Void) throws(StoreError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system("cannot make \(path)") }
        self.path = path
        self.onEnd = onEnd
        self.state = Mutex(State(descriptor: descriptor))
    }

    deinit { self.close() }

    package var bytes: Int { self.state.withLock { $0.bytes } }

    package var sha256: [UInt8] { self.state.withLock { Array($0.digest.finalize()) } }

    package func append(_ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        let failure: StoreError? = self.state.withLock { state in
            guard let descriptor = state.descriptor else { return StoreError(.closed, "the file is received already") }
            var written = 0
            while written < bytes.count {
                let count = pwrite(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written, off_t(state.bytes + written))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return .system("cannot write \(self.path)") }
                written += count
            }
            state.digest.update(bufferPointer: bytes)
            state.bytes += bytes.count
            return nil
        }
        if let failure { throw failure }
    }

    /// Brings the bytes to the disk; nothing is taken in any more.
    func sync() throws(StoreError) {
        let failure: StoreError? = self.state.withLock { state in
            guard let descriptor = state.descriptor else { return StoreError(.closed, "the file was discarded") }
            defer {
                Glibc.close(descriptor)
                state.descriptor = nil
            }
            return fsync(descriptor) == 0 ? nil : .system("cannot sync \(self.path)", isSync: true)
        }
        if let failure { throw failure }
    }

    package func discard() {
        self.close()
        unlink(self.path)
        self.onEnd()
    }

    private func close() {
        self.state.withLock { state in
            if let descriptor = state.descriptor { Glibc.close(descriptor) }
            state.descriptor = nil
        }
    }
}
