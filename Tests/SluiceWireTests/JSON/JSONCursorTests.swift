import SluiceWire
import Testing

@Suite struct JSONCursorTests {
    /// Passes over one whole text; gives the fault, or nil where there is none.
    private func fault(in text: some Sequence<UInt8>, isLenient: Bool = false) -> JSONFault? {
        Array(text).withUnsafeBytes { bytes in
            var cursor = JSONCursor(bytes, isLenient: isLenient)
            do throws(JSONFault) {
                try cursor.value()
                try cursor.end()
                return nil
            } catch {
                return error
            }
        }
    }

    @Test(arguments: [
        "{}", "[]", " [ ] ", "\"\"", "0", "-0", "-1.5e+10", "1E2", "1e999999999", "true", "false", "null", "[1,2,[3,{\"a\":[]}]]",
        "{\"a\":1,\"a\":2}", "{\"\":{\"\":[null]}}", "\t\r\n {\"a\" : [ 1 , 2 ] }\n", "\"\\u0000\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\\"\\\\\"",
        "\"héllo ✓ 😀\"", "\"\u{7F}\u{80}\u{10FFFF}\"", "\"a string of more than sixteen plain bytes, and then some more of them\"",
    ])
    func takesWhatIsJSON(_ text: String) {
        #expect(self.fault(in: text.utf8) == nil)
    }

    @Test(arguments: [
        ("", "a value is missing"), ("  ", "a value is missing"), ("{", "a name in quotes is missing"), ("[1,]", "a value is malformed"),
        ("[1 2]", "a comma or the end of the array is missing"),
        ("{\"a\":1,}", "a name in quotes is missing"), ("{\"a\" 1}", "a colon is missing"), ("{a:1}", "a name in quotes is missing"),
        ("{\"a\":}", "a value is malformed"),
        ("{} {}", "more than one value"), ("nul", "a value is malformed"), ("nulll", "more than one value"), ("NaN", "a value is malformed"),
        ("Infinity", "a value is malformed"), ("01", "a number begins with 0"), ("1.", "a number is malformed"), (".5", "a value is malformed"),
        ("-", "a number is malformed"),
        ("1e", "a number is malformed"), ("+1", "a value is malformed"), ("0x10", "more than one value"), ("\"a", "a string has no end"),
        ("\"\\", "a string has no end"),
        ("\"\\x\"", "an escape is malformed"), ("\"\\u12\"", "an escape is malformed"), ("\"\\u12g4\"", "an escape is malformed"),
        ("\"\n\"", "a string holds a control character"),
        ("\"\\ud800\"", "a surrogate stands alone"), ("\"\\ud800\\u0041\"", "a surrogate stands alone"), ("\"\\udc00\"", "a surrogate stands alone"),
        ("\"\\ud800", "a surrogate stands alone"), ("'a'", "a value is malformed"), ("[1]/**/", "more than one value"),
        ("{\"a\":1]", "a comma or the end of the object is missing"), ("[1}", "a comma or the end of the array is missing"),
        ("]", "a value is malformed"), ("\u{FEFF}{}", "a value is malformed"),
    ])
    func saysWhatIsNoJSON(_ text: String, _ reason: String) {
        #expect(self.fault(in: text.utf8)?.reason == reason)
    }

    @Test(
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x20], [0xE0, 0x80, 0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xF0, 0x9F, 0x98],
        ] as [[UInt8]])
    func refusesStringsThatAreNoUTF8(_ bytes: [UInt8]) {
        let text = [0x22] + bytes + [0x22]
        #expect(self.fault(in: text)?.reason == "a string is no UTF-8")
        #expect(self.fault(in: text, isLenient: true) == nil)
    }

    @Test func loneSurrogatesPassInAnswers() {
        #expect(self.fault(in: "\"\\ud800 \\udc00\"".utf8, isLenient: true) == nil)
    }

    @Test(arguments: ["[", "{\"a\":", "[{\"a\":"])
    func goesHundredLevelsDeepAndNoFurther(_ opening: String) {
        let closing = String(opening.reversed()).replacing("[", with: "]").replacing("{", with: "}").filter { "]}".contains($0) }
        let levels = closing.count
        func nested(_ depth: Int) -> String {
            String(repeating: opening, count: depth / levels) + "1" + String(repeating: closing, count: depth / levels)
        }
        #expect(self.fault(in: nested(100).utf8) == nil)
        #expect(self.fault(in: nested(100 + levels).utf8)?.reason == "nested deeper than 100 levels")
    }

    @Test func depthCountsWhatTheReaderOpenedItself() {
        // One level is opened by `members`, one by `elements`, the rest passed over.
        func fault(_ inner: Int) -> JSONFault? {
            let text = "{\"a\":[" + String(repeating: "[", count: inner) + String(repeating: "]", count: inner) + "]}"
            return Array(text.utf8).withUnsafeBytes { bytes in
                var cursor = JSONCursor(bytes)
                do throws(JSONFault) {
                    try cursor.members { _, cursor throws(JSONFault) in
                        try cursor.elements { cursor throws(JSONFault) in try cursor.value() }
                    }
                    try cursor.end()
                    return nil
                } catch {
                    return error
                }
            }
        }
        #expect(fault(98) == nil)
        #expect(fault(99)?.reason == "nested deeper than 100 levels")
    }

    @Test func millionLevelsAreRefusedWithoutHarm() {
        #expect(self.fault(in: repeatElement(UInt8(ascii: "["), count: 1_000_000))?.offset == 101)
    }

    @Test(
        arguments: [
            ("0", 0), ("-7", -7), ("999999999999999999", 999_999_999_999_999_999), ("1000000000000000000000", nil), ("1.0", nil), ("1e3", nil), ("\"1\"", nil),
            ("null", nil), ("[1]", nil), ("true", nil),
        ] as [(String, Int?)])
    func readsWholeNumbers(_ text: String, _ number: Int?) throws {
        let read = try Array(text.utf8).withUnsafeBytes { bytes in
            var cursor = JSONCursor(bytes)
            let number = try cursor.integer()
            try cursor.end()
            return number
        }
        #expect(read == number)
    }

    @Test(arguments: [
        ("\"plain\"", "plain"), ("\"a\\/b\"", "a/b"), ("\"\\u006dodel\"", "model"), ("\"\\ud83d\\ude00\"", "😀"),
        ("\"\\b\\f\\n\\r\\t\\\\\\\"\"", "\u{8}\u{C}\n\r\t\\\""),
        ("\"é\\u00e9\"", "éé"), ("\"\"", ""),
    ])
    func resolvesEscapes(_ text: String, _ expected: String) throws {
        let decoded = try Array(text.utf8).withUnsafeBytes { bytes in
            var cursor = JSONCursor(bytes)
            return try cursor.string()?.decoded
        }
        #expect(decoded == expected)
    }

    @Test(arguments: ["\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\ud800\\udfff\\ud800\"", "\"\\udc00x\"", "\"\\ud800\\n\""])
    func loneSurrogatesBecomeTheReplacementCharacter(_ text: String) throws {
        let decoded = try Array(text.utf8).withUnsafeBytes { bytes in
            var cursor = JSONCursor(bytes, isLenient: true)
            return try cursor.string()?.decoded
        }
        #expect(decoded?.isEmpty == false)
    }
}
