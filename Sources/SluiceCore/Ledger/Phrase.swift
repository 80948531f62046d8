/// A few bytes of text, no more than ``room``, that are written more often than they could be copied one by one: all of the room is copied at
/// once, and what is too much of it overwritten by what comes next.
struct Phrase {
    typealias Words = (UInt64, UInt64, UInt64, UInt64)

    static let room = 32

    fileprivate let words: Words
    let count: Int

    init(_ text: String) {
        let bytes = Array(text.utf8)
        precondition(bytes.count <= Phrase.room, "`\(text)` is too long to be copied at once")
        let filled = bytes + Array(repeating: 0, count: Phrase.room - bytes.count)
        self.words = filled.withUnsafeBytes { $0.loadUnaligned(as: Words.self) }
        self.count = bytes.count
    }
}

extension ByteWriter {
    /// There must be room for all of a phrase's.
    @inline(__always)
    mutating func write(_ phrase: Phrase) {
        self.write(phrase.words, count: phrase.count)
    }

    /// Writes a part of `bytes`; a short one as a phrase is, where it does not end with them. There must be ``Phrase/room`` behind it.
    @inline(__always)
    mutating func write(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) {
        if end &- start <= Phrase.room, start &+ Phrase.room <= bytes.count {
            self.write(bytes.loadUnaligned(fromByteOffset: start, as: Phrase.Words.self), count: end &- start)
        } else {
            self.write(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
        }
    }

    @inline(__always)
    private mutating func write(_ words: Phrase.Words, count: Int) {
        self.take(Phrase.room).storeBytes(of: words, as: Phrase.Words.self)
        self.written &-= Phrase.room &- count
    }
}
