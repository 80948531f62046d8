import SluiceCore
import Testing

@testable import SluicePolicy

@Suite struct SourceDecodingTests {
    private func refusal(_ bytes: [UInt8]) -> Diagnostic? {
        do {
            _ = try SourceText(decoding: PolicyFile(path: "p.yaml", bytes: bytes))
            return nil
        } catch {
            return error
        }
    }

    @Test func aByteOrderMarkIsTakenOff() throws {
        let text = try SourceText(decoding: PolicyFile(path: "p.yaml", bytes: [0xEF, 0xBB, 0xBF] + Array("a: 1".utf8)))
        #expect(text.line(1) == "a: 1")
    }

    @Test func utf16IsRefused() {
        #expect(self.refusal([0xFF, 0xFE, 0x61, 0x00])?.code == .notUTF8)
        #expect(self.refusal([0x61, 0x00, 0x3A, 0x00])?.code == .notUTF8)
    }

    @Test func invalidUTF8NamesItsLine() {
        #expect(self.refusal(Array("a: 1\nb: ".utf8) + [0xC3, 0x28])?.span.place.line == 2)
    }

    @Test func aNULNamesItsLine() {
        let refusal = self.refusal(Array("a: 1\nb: x".utf8) + [0] + Array("y".utf8))
        #expect(refusal?.code == .notUTF8)
        #expect(refusal?.span.place.line == 2)
    }

    @Test func aMebibyteIsTheLimit() {
        #expect(self.refusal(Array(repeating: UInt8(ascii: " "), count: 1 << 20)) == nil)
        #expect(self.refusal(Array(repeating: UInt8(ascii: " "), count: (1 << 20) + 1))?.code == .fileTooLarge)
    }
}
