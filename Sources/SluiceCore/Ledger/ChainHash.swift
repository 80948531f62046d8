/// The SHA-256 of one entry's line: what ties the next entry to it.
package struct ChainHash: Hashable, Sendable {
    /// What the first entry has as `prev_hash`.
    package static let genesis = ChainHash(0, 0, 0, 0)

    // The first of the 32 bytes is the highest of the first word. No array, since each entry makes one; no SIMD type either, whose
    // alignment async functions do not keep.
    private let first: UInt64
    private let second: UInt64
    private let third: UInt64
    private let fourth: UInt64

    private init(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
        self.first = first
        self.second = second
        self.third = third
        self.fourth = fourth
    }

    /// - Parameter bytes: 32 of them.
    package init(bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == 32, "a SHA-256 has 32 bytes, not \(bytes.count)")
        func word(_ index: Int) -> UInt64 { UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)) }
        self.init(word(0), word(1), word(2), word(3))
    }

    package init(bytes: [UInt8]) {
        self = bytes.withUnsafeBytes { ChainHash(bytes: $0) }
    }

    /// Reads 64 hexadecimal digits in lower case; nil for anything else.
    package init?(hex text: some Collection<UInt8>) {
        guard text.count == 64 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        var high: UInt8?
        for character in text {
            let digit: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = character - UInt8(ascii: "a") + 10
            default: return nil
            }
            if let first = high { bytes.append(first << 4 | digit) }
            high = high == nil ? digit : nil
        }
        self.init(bytes: bytes)
    }

    package var bytes: [UInt8] { self.withBytes { Array($0) } }

    package func withBytes<T>(_ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
        try withUnsafeBytes(of: (self.first.bigEndian, self.second.bigEndian, self.third.bigEndian, self.fourth.bigEndian), body)
    }

    /// 64 hexadecimal digits in lower case.
    package var hex: String {
        var text: [UInt8] = []
        text.append(hex: self)
        return String(decoding: text, as: UTF8.self)
    }
}

extension [UInt8] {
    package mutating func append(hex hash: ChainHash) { self.append(atMost: 64) { $0.write(hash) } }
}

extension ByteWriter {
    /// 64 hexadecimal digits in lower case.
    mutating func write(_ hash: ChainHash) {
        hash.withBytes { bytes in
            for index in stride(from: 0, to: bytes.count, by: 4) {
                self.write(hex: UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self)))
            }
        }
    }

    /// Eight digits at once: each half byte is spread to a byte of its own and moved to its digit.
    private mutating func write(hex value: UInt32) {
        var halves = UInt64(value)
        halves = (halves | halves << 16) & 0x0000_FFFF_0000_FFFF
        halves = (halves | halves << 8) & 0x00FF_00FF_00FF_00FF
        halves = (halves | halves << 4) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = ((halves &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        let digits = halves &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
        self.take(8).storeBytes(of: digits.bigEndian, as: UInt64.self)
    }
}
