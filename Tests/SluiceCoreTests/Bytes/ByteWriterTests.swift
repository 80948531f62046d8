import SluiceCore
import Testing

@Suite struct ByteWriterTests {
    private func text(atMost most: Int = 512, _ write: (inout ByteWriter) -> Void) -> String {
        String(decoding: [UInt8](atMost: most, write), as: UTF8.self)
    }

    @Test(arguments: [Int64.min, -1_234_567, -1, 0, 7, 10, 99, 100, 999_999_999_999, 1_000_000_000_000, .max])
    func writesNumbersAsTheyArePrinted(_ number: Int64) {
        #expect(self.text { $0.write(number: number) } == String(number))
        #expect(self.text { $0.write(Money(pico: number)) } == DecimalText.format(Int128(number), decimals: 12))
    }

    @Test(arguments: [(7, 1, "7"), (7, 3, "007"), (0, 2, "00"), (1234, 2, "1234")])
    func padsDigits(_ value: Int, _ width: Int, _ expected: String) {
        #expect(self.text { $0.write(digits: UInt64(value), width: width) } == expected)
    }

    @Test func escapesWhatJSONMustEscapeWhereverItStands() {
        for special in ["\"", "\\", "\n", "\r", "\t", "\u{1}", "\u{1F}", "ä", "\u{1F600}"] {
            for before in 0...17 {
                let plain = String(repeating: "a", count: before)
                let text = plain + special + "tail of text" + special
                var json: [UInt8] = []
                json.append(jsonString: text)
                let escaped =
                    switch special {
                    case "\"": "\\\""
                    case "\\": "\\\\"
                    case "\n": "\\n"
                    case "\r": "\\r"
                    case "\t": "\\t"
                    case "\u{1}": "\\u0001"
                    case "\u{1F}": "\\u001f"
                    default: special
                    }
                #expect(String(decoding: json, as: UTF8.self) == "\"\(plain)\(escaped)tail of text\(escaped)\"")
            }
        }
    }

    @Test func appendsBehindWhatIsThere() {
        var bytes = Array("a".utf8)
        for _ in 0..<100 { bytes.append(atMost: 8) { $0.write("bc") } }
        #expect(String(decoding: bytes, as: UTF8.self) == "a" + String(repeating: "bc", count: 100))
    }

    @Test func aHashIsItsBytesInHexadecimal() {
        let bytes: [UInt8] = (0..<32).map { $0 * 8 + 3 }
        let hash = ChainHash(bytes: bytes)
        let expected = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(hash.hex == expected)
        #expect(ChainHash(hex: expected.utf8) == hash)
    }
}
