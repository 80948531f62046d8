import SluiceCore
import SluiceTesting
import Testing

@Suite struct GlobTests {
    @Test(arguments: [
        ("chat", "chat", true), ("chat", "chats", false), ("", "", true), ("", "a", false), ("*", "", true), ("*", "anything", true), ("gpt-*", "gpt-4o", true),
        ("gpt-*", "gpt", false),
        ("*-mini", "gpt-4o-mini", true), ("*-mini", "-mini", true), ("a*a", "a", false), ("a*a", "aa", true), ("a*b*c", "a-b-c", true), ("a*b*c", "acb", false),
        ("a**c", "abc", true),
        ("*b*", "abc", true), ("*b*b*", "ab", false), ("a?c", "abc", false), ("a?c", "a?c", true), ("[ab]", "a", false), ("ünï*", "ünïcode", true),
        ("*é", "caf\u{65}\u{301}", false),
    ])
    func matchesWholeTexts(_ pattern: String, _ text: String, _ matches: Bool) {
        #expect(Glob(pattern).matches(text) == matches)
    }

    @Test func noPatternIsSlow() {
        let glob = Glob(String(repeating: "a*", count: 50) + "b")
        #expect(!glob.matches(String(repeating: "a", count: 20_000)))
    }

    /// The textbook's recursive definition, on every short text and pattern over two letters.
    @Test func agreesWithTheDefinition() {
        func defined(_ pattern: Substring, _ text: Substring) -> Bool {
            guard let first = pattern.first else { return text.isEmpty }
            if first == "*" { return defined(pattern.dropFirst(), text) || (!text.isEmpty && defined(pattern, text.dropFirst())) }
            return text.first == first && defined(pattern.dropFirst(), text.dropFirst())
        }
        var chance = SeededGenerator(seed: 4)
        for _ in 0..<20_000 {
            let pattern = String((0..<Int.random(in: 0...6, using: &chance)).map { _ in ["a", "b", "*"][Int.random(in: 0..<3, using: &chance)] }.joined())
            let text = String((0..<Int.random(in: 0...7, using: &chance)).map { _ in Bool.random(using: &chance) ? "a" : "b" }.joined())
            #expect(Glob(pattern).matches(text) == defined(pattern[...], text[...]), "\(pattern) \(text)")
        }
    }

    @Test(arguments: [("*", "a*", true), ("a*", "ab", true), ("a*", "a*", true), ("a*", "b", false), ("a*", "ab*", false), ("a", "a*", false)])
    func coversWhatIsPlainToSee(_ pattern: String, _ other: String, _ covers: Bool) {
        #expect(Glob(pattern).covers(Glob(other)) == covers)
    }
}
