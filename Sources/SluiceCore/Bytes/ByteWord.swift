/// Eight bytes looked at together, as one 64-bit word whose lowest byte is the first.
///
/// A search gives *marks*: the highest bit of each byte that was looked for. Only the first mark counts, since the borrow of a
/// subtraction may set others behind it. Swift turns comparisons of `SIMD16` into loops over its lanes on plain x86-64, so that sixteen
/// bytes cost some three hundred instructions that way, and about thirty this way.
@usableFromInline
package struct ByteWord {
    @inlinable package static var size: Int { 8 }

    @inlinable static var ones: UInt64 { 0x0101_0101_0101_0101 }
    @inlinable static var highs: UInt64 { 0x8080_8080_8080_8080 }

    @usableFromInline let word: UInt64

    /// - Parameter start: There must be eight bytes from here on.
    @inlinable
    package init(_ bytes: UnsafeRawBufferPointer, at start: Int) {
        self.word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
    }

    func store(at place: UnsafeMutableRawPointer) {
        place.storeBytes(of: self.word.littleEndian, as: UInt64.self)
    }

    /// Marks bytes that equal `byte`, one of ASCII.
    @inlinable
    package func marks(of byte: UInt8) -> UInt64 {
        let difference = self.word ^ (ByteWord.ones &* UInt64(byte))
        return (difference &- ByteWord.ones) & ~self.word & ByteWord.highs
    }

    /// Marks every byte that equals `byte`, one of ASCII: not the first of them alone.
    @inline(__always)
    func allMarks(of byte: UInt8) -> UInt64 {
        let difference = self.word ^ (ByteWord.ones &* UInt64(byte))
        return ~(((difference & ~ByteWord.highs) &+ ~ByteWord.highs) | difference | ~ByteWord.highs)
    }

    /// Marks what a JSON string does not hold as it stands, or not without a look at its neighbours: `"`, `\`, control characters, and
    /// bytes beyond ASCII.
    @inlinable
    package var marksOfSpecials: UInt64 {
        let quote = (self.word ^ (ByteWord.ones &* 0x22)) &- ByteWord.ones
        let backslash = (self.word ^ (ByteWord.ones &* 0x5C)) &- ByteWord.ones
        let control = self.word &- ByteWord.ones &* 0x20
        return (quote | backslash | control | self.word) & ByteWord.highs
    }

    /// Marks what a JSON string must escape: `"`, `\` and control characters.
    @inlinable
    package var marksOfEscapes: UInt64 {
        let quote = (self.word ^ (ByteWord.ones &* 0x22)) &- ByteWord.ones
        let backslash = (self.word ^ (ByteWord.ones &* 0x5C)) &- ByteWord.ones
        let control = self.word &- ByteWord.ones &* 0x20
        return (quote | backslash | control) & ~self.word & ByteWord.highs
    }

    /// Marks control characters, DEL among them.
    @inlinable
    package var marksOfControls: UInt64 { (self.word &- ByteWord.ones &* 0x20) & ~self.word & ByteWord.highs | self.marks(of: 0x7F) }

    /// How many bytes stand before the first mark: 8 where there is none.
    @inlinable
    package static func bytesBefore(_ marks: UInt64) -> Int { marks.trailingZeroBitCount / 8 }
}
