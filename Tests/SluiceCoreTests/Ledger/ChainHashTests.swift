import SluiceCore
import Testing

@Suite struct ChainHashTests {
    private let bytes = (0..<32).map { UInt8($0 * 8 + 3) }

    @Test func writesAndReadsHexadecimalDigits() throws {
        let hash = ChainHash(bytes: self.bytes)
        #expect(hash.hex.hasPrefix("030b131b") && hash.hex.utf8.count == 64)
        #expect(ChainHash(hex: hash.hex.utf8) == hash && hash.bytes == self.bytes)
    }

    @Test(arguments: ["", "ab", String(repeating: "g", count: 64), String(repeating: "AB", count: 32), String(repeating: "a", count: 65)])
    func readsNothingElse(_ text: String) { #expect(ChainHash(hex: text.utf8) == nil) }
}
