import SluiceCore
import SluiceDispatch
import SluiceTransfer
import Testing

@Suite struct ChatReaderTests {
    private static func chunk(_ choice: String, _ more: String = "") -> String {
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[\(choice)]\(more)}\n\n"
    }

    private static func text(_ text: String, index: Int = 0, finish: String = "null") -> String {
        self.chunk("{\"index\":\(index),\"delta\":{\"content\":\"\(text)\"},\"logprobs\":null,\"finish_reason\":\(finish)}")
    }

    /// Streams, and what they say in the end: tokens, bytes of text, whether all choices have ended.
    private static let streams: [(events: [String], tokens: Int, textBytes: Int, isFinished: Bool)] = [
        (["a", "bc", "def", "ä", "\\n", "plain again"].map { Self.text($0) }, 6, 21, false),
        ([Self.text("a"), Self.text("b"), Self.text("", finish: "\"stop\"")], 2, 2, true),
        // Text behind the end of its choice opens it again.
        ([Self.text("a"), Self.text("b"), Self.text("", finish: "\"stop\""), Self.text("c")], 3, 3, false),
        ([Self.text("a"), Self.text("b", index: 1), Self.text("c"), Self.text("d", index: 1), Self.text("", finish: "\"stop\"")], 4, 4, false),
        ([Self.chunk("{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}"), Self.text("a"), Self.text("b")], 2, 2, false),
        ((0..<40).map { Self.chunk("{\"index\":0,\"delta\":{\"content\":\"x\"}}", ",\"n\":\($0)") }, 40, 40, false),
    ]

    private func reader() -> any StreamReader { OpenAIDialect(api: .openai).streamReader(for: .chat) }

    @Test(arguments: Self.streams.indices)
    func chunksThatAreAlikeCountLikeTheFirst(_ index: Int) {
        let stream = Self.streams[index]
        let reader = self.reader()
        for event in stream.events { _ = Array(event.utf8).withUnsafeBytes { reader.read($0) } }
        #expect(reader.facts.tokens == stream.tokens)
        #expect(reader.facts.textBytes == stream.textBytes)
        #expect(reader.facts.isFinished == stream.isFinished)
        #expect(reader.facts.upstreamID == "chatcmpl-1" && reader.facts.model == "m")
    }

    @Test func usageAndErrorsAreSeenBehindChunksThatAreAlike() {
        let reader = self.reader()
        for text in ["a", "b", "c"] { _ = Array(Self.text(text).utf8).withUnsafeBytes { reader.read($0) } }
        let usage = Self.chunk("", ",\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3,\"total_tokens\":10}")
        let reading = Array(usage.utf8).withUnsafeBytes { reader.read($0) }
        guard case .usageOnly = reading.kind else { return #expect(Bool(false), "\(reading.kind)") }
        #expect(reader.facts.usage?.usage == TokenUsage(input: 7, output: 3))
        let error = Array("data: {\"error\":{\"message\":\"gone\"}}\n\n".utf8).withUnsafeBytes { reader.read($0) }
        guard case .error(let problem) = error.kind else { return #expect(Bool(false), "\(error.kind)") }
        #expect(problem.message == "gone")
    }
}
