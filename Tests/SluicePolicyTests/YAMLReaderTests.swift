import SluiceCore
import Testing

@testable import SluicePolicy

@Suite struct YAMLReaderTests {
    private func read(_ text: String) -> (node: SourceNode?, codes: [Diagnostic.Code]) {
        var reader = YAMLReader(SourceText(path: "p.yaml", text: text))
        let node = reader.read()
        return (node, reader.diagnostics.map(\.code))
    }

    /// `{a: 1, b: [x, y]}` and the like.
    private func shown(_ node: SourceNode?) -> String {
        switch node?.content {
        case .scalar(let text, _): text
        case .sequence(let items): "[\(items.map { self.shown($0) }.joined(separator: ", "))]"
        case .mapping(let entries): "{\(entries.map { "\($0.key.text): \(self.shown($0.value))" }.joined(separator: ", "))}"
        case nil: "nothing"
        }
    }

    @Test func scalarsKeepTheirText() {
        #expect(
            self.shown(self.read("a: [no, 22:00, 010, 1.10, 2026-11-01, ~, 'x', \"y\"]").node)
                == "{a: [no, 22:00, 010, 1.10, 2026-11-01, ~, x, y]}")
    }

    @Test func ownKeysWinOverMergedOnes() {
        #expect(self.shown(self.read("x-base: &b { a: 1, b: 2 }\nc: { <<: *b, b: 3 }").node) == "{x-base: {a: 1, b: 2}, c: {a: 1, b: 3}}")
    }

    @Test func theFirstOfSeveralMergedMappingsWins() {
        let text = "x-1: &one { a: 1 }\nx-2: &two { a: 2, b: 2 }\nc: { <<: [*one, *two] }"
        #expect(self.shown(self.read(text).node) == "{x-1: {a: 1}, x-2: {a: 2, b: 2}, c: {a: 1, b: 2}}")
    }

    @Test func mergeKeysMayMergeThemselves() {
        let text = "x-1: &one { a: 1 }\nx-2: &two { <<: *one, b: 2 }\nc: { <<: *two }"
        #expect(self.shown(self.read(text).node) == "{x-1: {a: 1}, x-2: {a: 1, b: 2}, c: {a: 1, b: 2}}")
    }

    @Test func bothPlacesOfADuplicateKeyAreKnownAndTheRestIsRead() throws {
        var reader = YAMLReader(SourceText(path: "p.yaml", text: "a: 1\nb: 2\na: 3\nc: { d: 1, d: 2 }"))
        #expect(self.shown(reader.read()) == "{a: 1, b: 2, c: {d: 1}}")
        let places = reader.diagnostics.map { "\($0.span.place.line):\($0.span.place.column) \($0.hint ?? "")" }
        #expect(places == ["3:1 the first one stands in p.yaml:1:1", "4:12 the first one stands in p.yaml:4:6"])
    }

    @Test func quotedAndPlainKeysAreTheSame() {
        #expect(self.read("a: 1\n'a': 2\n\"a\": 3").codes == [.duplicateKey, .duplicateKey])
    }

    @Test func aBombOfAliasesNamesItsAnchor() throws {
        var text = "a0: &a0 [x, x]\n"
        for level in 1...20 { text += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1), *a\(level - 1)]\n" }
        var reader = YAMLReader(SourceText(path: "p.yaml", text: text))
        #expect(reader.read() == nil)
        #expect(reader.diagnostics.map(\.code) == [.aliasBudget])
        #expect(reader.diagnostics.first?.message.contains("`&a") == true)
    }

    @Test(arguments: ["? *a19\n: 1", "{ *a19 : 1 }", "? [*a19, *a19]\n: x", "[*a19]: 1"])
    func aBombInAKeyIsRefusedBeforeItIsHashed(key: String) {
        var text = "a0: &a0 [x, x]\n"
        for level in 1...19 { text += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1), *a\(level - 1)]\n" }
        #expect(self.read(text + key).codes == [.aliasBudget])
    }

    @Test func manyAliasesAreFineWhereTheyStandForLittle() {
        let text = "x-base: &b { a: 1 }\n" + (0..<500).map { "k\($0): { <<: *b, url: \"http://${HOST}:80\" }\n" }.joined()
        #expect(self.read(text).codes.isEmpty)
    }

    @Test(arguments: [(64, true), (65, false)])
    func nestingIsBounded(depth: Int, isRead: Bool) {
        // The document's own mapping is the first level.
        let text = "a: " + String(repeating: "[", count: depth - 2) + "x" + String(repeating: "]", count: depth - 2)
        #expect((self.read(text).node != nil) == isRead)
    }

    @Test(arguments: [
        (String(repeating: "[", count: 100_000), Diagnostic.Code.yamlSyntax), ("a: 1\n---\nb: 2", .yamlSyntax), ("a:\n\t- 1", .yamlSyntax),
        ("a: !!binary aGk=", .unknownTag),
        ("a: !!python/object:x {}", .unknownTag), ("a: !mine x", .unknownTag), ("a: *nobody", .yamlSyntax), ("a: [1, 2", .yamlSyntax),
        ("a: \u{1}", .yamlSyntax),
        ("? [a, b]\n: c", .wrongType), ("a: { <<: 5 }", .wrongType),
    ])
    func badInputEndsInACleanError(text: String, code: Diagnostic.Code) {
        #expect(self.read(text).codes == [code])
    }

    @Test(arguments: [
        ("backends: { a: { key: ${X} } }", "inside { } quote it"), ("models: *-mini", "quote a pattern"),
        ("a:\n\t- 1", "indent with spaces"), ("a: b: c", "quote a value"),
    ])
    func trapsHaveAWayOut(text: String, hint: String) {
        var reader = YAMLReader(SourceText(path: "p.yaml", text: text))
        #expect(reader.read() == nil)
        #expect(reader.diagnostics.first?.hint?.contains(hint) == true, "\(reader.diagnostics)")
    }

    @Test func carriageReturnsCountAsLineEnds() {
        let node = self.read("a: 1\r\nb:\r\n  c: x\r\n").node
        #expect(self.shown(node) == "{a: 1, b: {c: x}}")
    }
}
