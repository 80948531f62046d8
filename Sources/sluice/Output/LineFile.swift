import Glibc
import SluiceCore

/// The lines of a file, without reading all of it at once.
struct LineFile: ~Copyable {
    private let descriptor: Int32
    private let path: String
    private var buffer: [UInt8] = []
    private var position = 0
    private var isAtEnd = false

    /// - Parameter path: `-` for standard input.
    init(_ path: String) throws(StoreError) {
        let descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError(.other, "cannot read \(path): \(String(cString: strerror(errno)))") }
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(self.descriptor) }

    /// The next line without its break; nil at the end.
    mutating func next() throws(StoreError) -> [UInt8]? {
        var searched = self.position
        while true {
            if let end = self.buffer[searched...].firstIndex(of: 0x0A) {
                defer { self.position = end + 1 }
                return Array(self.buffer[self.position..<end])
            }
            searched = self.buffer.count - self.position
            guard try self.fill() else { break }
        }
        guard self.position < self.buffer.count else { return nil }
        defer { self.position = self.buffer.count }
        return Array(self.buffer[self.position...])
    }

    private mutating func fill() throws(StoreError) -> Bool {
        self.buffer.removeFirst(self.position)
        self.position = 0
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        let count = read(self.descriptor, &chunk, chunk.count)
        guard count >= 0 else { throw StoreError(.other, "cannot read \(self.path): \(String(cString: strerror(errno)))") }
        self.buffer += chunk.prefix(count)
        return count > 0
    }
}
