/// The SHA-256 of one entry's line: what ties the next entry to it.
package struct ChainHash: Hashable, Sendable {
    /// What the first entry has as `prev_hash`.
    package static let genesis = ChainHash(words: .zero)

    /// The first of the 32 bytes is the highest of the first word. No array, since each entry makes one.
    private let words: SIMD4<UInt64>

    private init(words: SIMD4<UInt64>) {
        self.words = words
    }

    /// - Parameter bytes: 32 of them.
    package init(bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == 32, "a SHA-256 has 32 bytes, not \(bytes.count)")
        var words = SIMD4<UInt64>.zero
        for index in 0..<4 { words[index] = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)) }
        self.words = words
    }

    package init(bytes: [UInt8]) {
        self = bytes.withUnsafeBytes { ChainHash(bytes: $0) }
    }

    /// Reads 64 hexadecimal digits in lower case; nil for anything else.
    package init?(hex text: some Collection<UInt8>) {
        guard text.count == 64 else { return nil }
        var words = SIMD4<UInt64>.zero
        for (index, character) in text.enumerated() {
            let digit: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = character - UInt8(ascii: "a") + 10
            default: return nil
            }
            words[index / 16] = words[index / 16] << 4 | UInt64(digit)
        }
        self.words = words
    }

    package var bytes: [UInt8] { self.withBytes { Array($0) } }

    package func withBytes<T>(_ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
        let bigEndian = SIMD4(self.words[0].bigEndian, self.words[1].bigEndian, self.words[2].bigEndian, self.words[3].bigEndian)
        return try withUnsafeBytes(of: bigEndian, body)
    }

    /// 64 hexadecimal digits in lower case.
    package var hex: String {
        var text: [UInt8] = []
        text.append(hex: self)
        return String(decoding: text, as: UTF8.self)
    }

    fileprivate func digit(_ index: Int) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: self.words[index / 16] >> UInt64(60 - index % 16 * 4)) & 15
        return value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}

extension [UInt8] {
    package mutating func append(hex hash: ChainHash) {
        for index in 0..<64 { self.append(hash.digit(index)) }
    }
}
