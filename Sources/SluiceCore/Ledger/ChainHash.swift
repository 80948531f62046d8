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
    package mutating func append(hex hash: ChainHash) {
        hash.withBytes { bytes in
            for byte in bytes {
                self.append(hexDigit: byte >> 4)
                self.append(hexDigit: byte & 15)
            }
        }
    }

    private mutating func append(hexDigit value: UInt8) {
        self.append(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
    }
}
