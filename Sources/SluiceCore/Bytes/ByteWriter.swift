/// Writes text into room that an array or a buffer keeps ready (`append(atMost:_:)`): its bookkeeping is then done once for many pieces,
/// instead of some hundred instructions for each.
@usableFromInline
package struct ByteWriter {
    @usableFromInline let start: UnsafeMutableRawPointer
    @usableFromInline let room: Int
    @usableFromInline var written = 0
    /// Members are written as a ``ShortLine`` has them: neither their names nor `null`.
    @usableFromInline var isShort = false

    /// Bytes that were written.
    @inlinable package var count: Int { self.written }

    @inlinable
    package init(_ room: UnsafeMutableRawBufferPointer) {
        guard let start = room.baseAddress else { preconditionFailure("there is no room at all") }
        self.start = start
        self.room = room.count
    }

    /// The place of the next bytes.
    @inlinable
    @inline(__always)
    mutating func take(_ bytes: Int) -> UnsafeMutableRawPointer {
        precondition(bytes <= self.room &- self.written, "more is written than there is room for")
        let place = self.start + self.written
        self.written &+= bytes
        return place
    }

    @inlinable
    @inline(__always)
    package mutating func write(_ byte: UInt8) {
        self.take(1).storeBytes(of: byte, as: UInt8.self)
    }

    @inlinable
    @inline(__always)
    package mutating func write(_ text: StaticString) {
        self.take(text.utf8CodeUnitCount).copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
    }

    package mutating func write(_ bytes: UnsafeRawBufferPointer) {
        guard let first = bytes.baseAddress else { return }
        self.take(bytes.count).copyMemory(from: first, byteCount: bytes.count)
    }

    package mutating func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { self.write($0) }
    }

    package mutating func write(text: String) {
        if text.utf8.withContiguousStorageIfAvailable({ self.write(UnsafeRawBufferPointer($0)) }) == nil { self.write(Array(text.utf8)) }
    }

    // MARK: Numbers

    package mutating func write(number: Int64) {
        if number < 0 { self.write(UInt8(ascii: "-")) }
        self.write(digits: number.magnitude, width: 1)
    }

    /// At least `width` digits.
    package mutating func write(digits value: UInt64, width: Int) {
        var count = 1
        var limit: UInt64 = 10
        while count < 20, value >= limit {
            count += 1
            if count < 20 { limit &*= 10 }
        }
        count = max(count, width)
        let place = self.take(count)
        var rest = value
        var index = count - 1
        while index >= 0 {
            let quotient = rest / 10
            place.storeBytes(of: UInt8(truncatingIfNeeded: rest &- quotient &* 10) | 0x30, toByteOffset: index, as: UInt8.self)
            rest = quotient
            index -= 1
        }
    }

    /// As ``DecimalText/format(_:decimals:)`` of at most 24 decimals.
    mutating func write(decimal value: Int128, decimals: Int) {
        if value < 0 { self.write(UInt8(ascii: "-")) }
        // Twelve decimals fit 64 bits, whose division is cheap.
        let last = min(decimals, 12)
        let (front, low) = value.magnitude.quotientAndRemainder(dividingBy: UInt128(ByteWriter.power(last)))
        let (whole, high) = decimals > last ? front.quotientAndRemainder(dividingBy: UInt128(ByteWriter.power(decimals - last))) : (front, 0)
        if let small = UInt64(exactly: whole) { self.write(digits: small, width: 1) } else { self.write(Array(String(whole).utf8)) }
        guard low != 0 || high != 0 else { return }
        self.write(UInt8(ascii: "."))
        if decimals > last { self.write(digits: UInt64(truncatingIfNeeded: high), width: decimals - last) }
        self.write(digits: UInt64(truncatingIfNeeded: low), width: last)
        self.dropZeros()
    }

    package mutating func write(_ money: Money) {
        if money.pico < 0 { self.write(UInt8(ascii: "-")) }
        let (whole, fraction) = money.pico.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000_000)
        self.write(digits: whole, width: 1)
        guard fraction != 0 else { return }
        self.write(UInt8(ascii: "."))
        self.write(digits: fraction, width: 12)
        self.dropZeros()
    }

    private static func power(_ exponent: Int) -> UInt64 {
        var power: UInt64 = 1
        for _ in 0..<exponent { power &*= 10 }
        return power
    }

    private mutating func dropZeros() {
        while self.count > 0, self.start.load(fromByteOffset: self.count - 1, as: UInt8.self) == UInt8(ascii: "0") { self.written -= 1 }
    }

    // MARK: JSON

    /// The name of an object's member, behind a comma unless nothing stands before it.
    @inline(__always)
    mutating func name(_ name: StaticString) {
        let count = name.utf8CodeUnitCount
        if self.count > 0 { self.write(self.isShort ? UInt8(ascii: "\n") : UInt8(ascii: ",")) }
        if self.isShort { return }
        let place = self.take(count + 3)
        place.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        (place + 1).copyMemory(from: name.utf8Start, byteCount: count)
        // `":`
        place.storeBytes(of: UInt16(littleEndian: 0x3A22), toByteOffset: count + 1, as: UInt16.self)
    }

    /// The value of a member that has none.
    @inline(__always)
    mutating func writeNull() {
        if !self.isShort { self.write("null") }
    }

    /// A JSON string: `"`, `\` and control characters escaped, everything else as it is.
    mutating func write(jsonString text: String) {
        self.write(UInt8(ascii: "\""))
        if text.utf8.withContiguousStorageIfAvailable({ self.write(escaping: UnsafeRawBufferPointer($0)) }) == nil {
            Array(text.utf8).withUnsafeBytes { self.write(escaping: $0) }
        }
        self.write(UInt8(ascii: "\""))
    }

    private mutating func write(escaping bytes: UnsafeRawBufferPointer) {
        let plain = self.copyPlain(bytes)
        for index in plain..<bytes.count { self.write(escaping: bytes[index]) }
    }

    /// Copies bytes as long as none must be escaped; gives how many.
    @inline(__always)
    private mutating func copyPlain(_ bytes: UnsafeRawBufferPointer) -> Int {
        let place = self.take(bytes.count)
        var index = 0
        while index &+ ByteWord.size <= bytes.count {
            let word = ByteWord(bytes, at: index)
            guard word.marksOfEscapes == 0 else { break }
            word.store(at: place + index)
            index &+= ByteWord.size
        }
        if index < bytes.count, bytes.count &- index < ByteWord.size, bytes.count >= ByteWord.size {
            // The last eight once more, so that no byte need be looked at alone.
            let word = ByteWord(bytes, at: bytes.count &- ByteWord.size)
            if word.marksOfEscapes == 0 {
                word.store(at: place + (bytes.count &- ByteWord.size))
                index = bytes.count
            }
        }
        while index < bytes.count {
            let byte = bytes[index]
            guard byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") else { break }
            place.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
            index &+= 1
        }
        self.written -= bytes.count - index
        return index
    }

    private mutating func write(escaping byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): self.write("\\\"")
        case UInt8(ascii: "\\"): self.write("\\\\")
        case 0x0A: self.write("\\n")
        case 0x0D: self.write("\\r")
        case 0x09: self.write("\\t")
        case 0..<0x20:
            self.write("\\u00")
            self.write(hexDigit: byte >> 4)
            self.write(hexDigit: byte & 15)
        default: self.write(byte)
        }
    }

    mutating func write(hexDigit value: UInt8) {
        self.write(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
    }
}

extension [UInt8] {
    /// What `body` writes: no more than `most` bytes.
    @inlinable
    @inline(__always)
    package init(atMost most: Int, _ body: (inout ByteWriter) -> Void) {
        self.init(unsafeUninitializedCapacity: most) { room, count in
            var writer = ByteWriter(UnsafeMutableRawBufferPointer(room))
            body(&writer)
            count = writer.count
        }
    }

    /// Appends what `body` writes: no more than `most` bytes.
    @inlinable
    @inline(__always)
    package mutating func append(atMost most: Int, _ body: (inout ByteWriter) -> Void) {
        self.append(addingCapacity: most) { span in
            span.withUnsafeMutableBufferPointer { room, count in
                var writer = ByteWriter(UnsafeMutableRawBufferPointer(room))
                body(&writer)
                count = writer.count
            }
        }
    }
}

extension String {
    /// What the text takes as a JSON string if every byte of it is escaped.
    var longestJSON: Int { self.utf8.count * 6 + 2 }
}
