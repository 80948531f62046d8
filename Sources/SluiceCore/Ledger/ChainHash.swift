/// The SHA-256 of one entry's line: what ties the next entry to it.
package struct ChainHash: Hashable, Sendable {
    /// What the first entry has as `prev_hash`.
    package static let genesis = ChainHash(bytes: [UInt8](repeating: 0, count: 32))

    /// 32 bytes.
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) {
        precondition(bytes.count == 32, "a SHA-256 has 32 bytes, not \(bytes.count)")
        self.bytes = bytes
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
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        self.bytes = bytes
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
        for byte in hash.bytes {
            self.append(hexDigit: byte >> 4)
            self.append(hexDigit: byte & 15)
        }
    }

    private mutating func append(hexDigit value: UInt8) {
        self.append(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
    }
}
