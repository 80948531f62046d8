import SluiceWire
import Testing

@Suite struct EventPatternTests {
    private let kept = "data: {\"id\":\"a\",\"choices\":[{\"delta\":{\"content\":\"Hello\"},\"finish_reason\":null}]}\n\n"

    private func pattern() -> EventPattern {
        var pattern = EventPattern()
        let start = self.kept.utf8.count - "Hello\"},\"finish_reason\":null}]}\n\n".utf8.count
        Array(self.kept.utf8).withUnsafeBytes { pattern.keep($0, text: start..<start + 5) }
        return pattern
    }

    private func length(_ event: String) -> Int? {
        var pattern = self.pattern()
        return Array(event.utf8).withUnsafeBytes { pattern.textLength(in: $0) }
    }

    @Test(arguments: ["Hello", "x", " a longer one with ünïcödé and more than sixteen bytes", "[]{},:"])
    func anEventWithAnotherTextIsRecognised(_ text: String) {
        #expect(self.length(self.kept.replacing("Hello", with: text)) == text.utf8.count)
    }

    @Test(arguments: ["", "a\\n", "a\"b", "a\",\"content\":\"b", "tab\t", "longer than eight\nbytes"])
    func aTextThatIsEmptyOrNotPlainIsReadInFull(_ text: String) {
        #expect(self.length(self.kept.replacing("Hello", with: text)) == nil)
    }

    @Test(arguments: [("\"a\"", "\"b\""), ("null", "\"stop\""), ("\n\n", "\r\n\r\n"), ("delta", "other"), ("data: ", "data:")])
    func anEventThatDiffersElsewhereIsReadInFull(_ old: String, _ new: String) {
        #expect(self.length(self.kept.replacing(old, with: new)) == nil)
    }

    @Test func nothingIsRecognisedBeforeOneIsKeptAndAfterItIsForgotten() {
        let event = Array(self.kept.utf8)
        var pattern = EventPattern()
        #expect(event.withUnsafeBytes { pattern.textLength(in: $0) } == nil)
        pattern = self.pattern()
        pattern.forget()
        #expect(event.withUnsafeBytes { pattern.textLength(in: $0) } == nil)
    }
}
