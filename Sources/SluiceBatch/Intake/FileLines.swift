import SluiceCore
import SluiceWire

/// The lines of a stored file, one after the other; only a piece of it is in memory.
struct FileLines {
    struct Place {
        /// From 1, blank lines counted.
        var number: Int
        var offset: Int
        var length: Int
    }

    private static let piece = 1 << 20
    /// A line that is longer is no request.
    static let longest = 32 << 20

    private let files: any FileStore
    private let file: String
    private var buffer: [UInt8] = []
    /// Where the buffer begins in the file, and what of it is read.
    private var start = 0
    private var cursor = 0
    private var number = 0
    private var isAtEnd = false

    init(_ file: String, in files: any FileStore) {
        self.files = files
        self.file = file
    }

    /// Gives the next line that is not blank to `body`, without its line break; false at the end of the file.
    ///
    /// - Parameter body: Gets nil in place of the bytes of a line that is too long.
    mutating func next(_ body: (UnsafeRawBufferPointer?, Place) throws -> Void) throws -> Bool {
        while true {
            guard let end = try self.endOfLine() else { return false }
            self.number += 1
            var range = self.cursor..<end
            if self.start + range.lowerBound == 0, self.buffer[range].starts(with: [0xEF, 0xBB, 0xBF]) { range = range.lowerBound + 3..<range.upperBound }
            if let last = self.buffer[range].last, last == 0x0D { range = range.lowerBound..<range.upperBound - 1 }
            self.cursor = min(end + 1, self.buffer.count)
            guard self.buffer[range].contains(where: { $0 != 0x20 && $0 != 0x09 }) else {
                guard end < self.buffer.count || !self.isAtEnd else { return false }
                continue
            }
            let place = Place(number: self.number, offset: self.start + range.lowerBound, length: range.count)
            guard range.count <= FileLines.longest else {
                try body(nil, place)
                return true
            }
            try self.buffer.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range]), place) }
            return true
        }
    }

    /// The index of the next line break, or of the end of the file; nil where nothing is left.
    private mutating func endOfLine() throws -> Int? {
        var searched = self.cursor
        while true {
            if let end = self.buffer.withUnsafeBytes({ LineBreak.next(in: $0, from: searched) }) { return end }
            searched = self.buffer.count
            guard !self.isAtEnd else { return self.cursor < self.buffer.count ? self.buffer.count : nil }
            let removed = self.cursor
            self.buffer.removeFirst(removed)
            self.start += removed
            searched -= removed
            self.cursor = 0
            guard let more = try self.files.read(self.file, at: self.start + self.buffer.count, length: FileLines.piece) else {
                throw StoreError(.other, "the bytes of the file \(self.file) are gone")
            }
            self.buffer.append(contentsOf: more)
            self.isAtEnd = more.count < FileLines.piece
        }
    }
}
