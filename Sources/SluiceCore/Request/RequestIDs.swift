/// Makes ids: a prefix such as `req_` and 26 characters that rise with time, unique over processes.
///
/// 48 bits of milliseconds, 16 that count within one and 64 at random, in Crockford's base 32 as ULIDs are written.
package struct RequestIDs {
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    private var generator = SystemRandomNumberGenerator()
    private var last: Int64 = 0
    private var count: UInt64 = 0

    package init() {}

    package mutating func next(_ prefix: String, at milliseconds: Int64) -> String {
        if milliseconds == self.last {
            self.count &+= 1
        } else {
            self.last = milliseconds
            self.count = 0
        }
        let high = UInt64(truncatingIfNeeded: milliseconds) << 16 | (self.count & 0xFFFF)
        var value = UInt128(high) << 64 | UInt128(self.generator.next())
        return String(unsafeUninitializedCapacity: prefix.utf8.count + 26) { buffer in
            var index = 0
            for byte in prefix.utf8 {
                buffer[index] = byte
                index += 1
            }
            for position in stride(from: index + 25, through: index, by: -1) {
                buffer[position] = RequestIDs.alphabet[Int(truncatingIfNeeded: value & 31)]
                value >>= 5
            }
            return index + 26
        }
    }
}
