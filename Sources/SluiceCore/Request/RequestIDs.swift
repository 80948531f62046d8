/// Makes ids: a prefix such as `req_` and 26 characters that rise with time, unique over processes.
///
/// 48 bits of milliseconds, 16 that count within one and 64 at random, in Crockford's base 32 as ULIDs are written.
package struct RequestIDs {
    private static var alphabet: StaticString { "0123456789abcdefghjkmnpqrstvwxyz" }

    private var generator = SystemSeededGenerator()
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
            let (_, end) = buffer.initialize(from: prefix.utf8)
            for position in stride(from: end + 25, through: end, by: -1) {
                buffer[position] = RequestIDs.alphabet.utf8Start[Int(truncatingIfNeeded: value & 31)]
                value >>= 5
            }
            return end + 26
        }
    }
}
