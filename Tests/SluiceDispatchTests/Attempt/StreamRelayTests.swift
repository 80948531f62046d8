import NIOCore
import SluiceCore
import SluiceTesting
import SluiceTransfer
import Testing

@testable import SluiceDispatch

/// `promises.md` P16, P17, P26: bytes pass as they came, each event once it is whole, and a cut never looks like success.
@Suite struct StreamRelayTests {
    /// Plays the pieces into a relay and writes down what comes out.
    private final class Run {
        let relay: StreamRelay
        private(set) var passed = ""
        private(set) var said: [String] = []

        init(_ endpoint: Endpoint = .chat, showsUsage: Bool = true) {
            self.relay = StreamRelay(reader: OpenAIDialect(api: .vllm).streamReader(for: endpoint), showsUsage: showsUsage)
        }

        func take(_ pieces: some Sequence<ByteBuffer>) -> Run {
            for piece in pieces {
                self.relay.take(piece, self.hear)
                self.flush()
            }
            return self
        }

        func take(_ text: String) -> Run { self.take([ByteBuffer(string: text)]) }

        func end() -> Run {
            self.relay.end(self.hear)
            if let bytes = self.relay.takeOutput(withTail: true) { self.passed += String(buffer: bytes) }
            return self
        }

        private func flush() {
            guard self.said.contains("commit"), let bytes = self.relay.takeOutput() else { return }
            self.passed += String(buffer: bytes)
        }

        private func hear(_ event: StreamRelay.Event) {
            switch event {
            case .token: self.said.append("token")
            case .usage: self.said.append("usage")
            case .commit: self.said.append("commit")
            case .problem(let problem):
                self.said.append("problem \(problem.status)")
                self.relay.isOver = true
            }
        }
    }

    private static let role = "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
    private static let word = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"wörd ✓ \\\"}\"}}]}\n\n"
    private static let finish = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    private static let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n"
    private static let done = "data: [DONE]\n\n"
    private static let streams = [
        role + word + word + finish + usage + done,
        ": OPENROUTER PROCESSING\n\n" + role + ": ping\n\n" + word + "event: x\nid: 7\nretry: 9\ndata: {\"choices\":\ndata: []}\n\n" + finish + usage + done
            + ": bye\n\n",
        (role + word + finish + usage + done).replacing("\n", with: "\r\n"),
        (role + word + finish + usage + done).replacing("\n", with: "\r"),
        "\u{FEFF}" + word + "\n\n\n" + finish + done,
    ]

    @Test(arguments: streams)
    func passesEveryByteInAnyPieces(_ stream: String) {
        let bytes = ByteBuffer(string: stream)
        let count = bytes.readableBytes
        for cut in 0...count {
            let pieces = [bytes.getSlice(at: 0, length: cut), bytes.getSlice(at: cut, length: count - cut)].compactMap { $0 }
            let run = Run().take(pieces).end()
            #expect(run.passed == stream, "cut at \(cut)")
        }
        let run = Run().take((0..<count).compactMap { bytes.getSlice(at: $0, length: 1) }).end()
        #expect(run.passed == stream && run.relay.facts.isEnded)
    }

    @Test func readsTheSameInAnyPieces() {
        var chance = SeededGenerator(seed: 8)
        for stream in Self.streams {
            let whole = Run(showsUsage: false).take(stream).end()
            for _ in 0..<200 {
                var bytes = ByteBuffer(string: stream)
                var pieces: [ByteBuffer] = []
                while bytes.readableBytes > 0 {
                    pieces.append(bytes.readSlice(length: Int.random(in: 1...min(60, bytes.readableBytes), using: &chance)) ?? ByteBuffer())
                }
                let run = Run(showsUsage: false).take(pieces).end()
                #expect(run.passed == whole.passed && run.said == whole.said && run.relay.facts.usage == whole.relay.facts.usage)
            }
        }
    }

    @Test func takesTheUsageChunkOutForWhoDidNotAsk() {
        let run = Run(showsUsage: false).take(Self.streams[0]).end()
        #expect(run.passed == Self.streams[0].replacing(Self.usage, with: ""))
        #expect(run.relay.facts.usage?.usage == TokenUsage(input: 3, output: 2))
    }

    @Test func putsTheCostBesideTheUsage() {
        let run = Run()
        run.relay.usageNote = "{\"cost\":\"1\"}"
        #expect(run.take(Self.streams[0]).passed.contains(",\"total_tokens\":5},\"sluice\":{\"cost\":\"1\"}}\n\n"))
    }

    @Test func nothingPassesBeforeTheFirstContent() {
        let run = Run().take(": ping\n\n" + Self.role)
        #expect(run.passed.isEmpty && run.said.isEmpty)
        #expect(run.take(Self.word).passed == ": ping\n\n" + Self.role + Self.word && run.said == ["token", "commit"])
    }

    @Test(arguments: ["", ": ping\n\n", role, ": ping\n\n" + role + "data: {\"choices\":[]}\n\n"])
    func anErrorBeforeTheFirstContentLeavesNothing(_ before: String) {
        let run = Run().take(before + "data: {\"error\":{\"message\":\"m\",\"type\":\"overloaded_error\"}}\n\n" + Self.word + Self.done)
        #expect(run.said == ["problem 529"] && run.passed.isEmpty)
    }

    @Test func theEndIsHeldUntilTheFramingEndsToo() {
        let run = Run().take(Self.role + Self.word + Self.finish + Self.done)
        #expect(!run.passed.contains("[DONE]") && run.passed.hasSuffix(Self.finish))
        #expect(run.end().passed.hasSuffix(Self.done))
    }

    @Test(arguments: [
        "data: {\"choices\":[]", "data: {\"choices\":[]}", "data: {\"choices\":[]}\n", "data: {\"choices\":[]}\r", "data: {\"choices\":[]}\r\n",
        "data: {\"choices\":[]}\n: x\r", ": x",
    ])
    func anEventThatNeverEndedIsNeverPassed(_ half: String) {
        #expect(Run().take(Self.word + half).end().passed == Self.word)
    }

    @Test func anEventThatEndsInABareCarriageReturnIsWholeAtTheEnd() {
        let word = Self.word.replacing("\n", with: "\r")
        #expect(Run().take(word).end().passed == word)
    }

    @Test func anErrorOfOursBeginsAnEventOfItsOwn() {
        let run = Run().take(Self.word + "data: {\"choices\":[{\"delta\":{\"content\":\"" + String(repeating: "x", count: 3 << 20))
        let event = String(buffer: run.relay.errorEvent(Refusal(502, .upstreamFailed, "it broke")))
        #expect(event.hasPrefix("\n\ndata: {\"error\"") && run.passed.utf8.count > 3 << 20)
    }

    @Test(arguments: [100_000, 1_500_000, 5_000_000])
    func aLongEventPassesInAnyPieces(_ length: Int) {
        let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"\(String(repeating: "x", count: length))\"}}]}\n\n" + Self.finish + Self.done
        var bytes = ByteBuffer(string: stream)
        var pieces: [ByteBuffer] = []
        while bytes.readableBytes > 0 { pieces.append(bytes.readSlice(length: min(65_001, bytes.readableBytes)) ?? ByteBuffer()) }
        let run = Run().take(pieces).end()
        #expect(run.passed == stream && run.said.first == "token" && run.relay.facts.isEnded)
    }

    @Test(arguments: [1000, 1_100_000, 2_097_152])
    func aResponseThatRepeatsALongOutputIsComplete(_ length: Int) {
        let text = String(repeating: "x", count: length)
        let delta = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":1,\"delta\":\"a\"}\n\n"
        let completed =
            "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":2,\"response\":{\"id\":\"r\",\"output\":[{\"text\":\"\(text)\"}],"
            + "\"usage\":{\"input_tokens\":3,\"output_tokens\":2,\"total_tokens\":5},\"user\":null}}\n\n"
        var bytes = ByteBuffer(string: delta + completed)
        var pieces: [ByteBuffer] = []
        while bytes.readableBytes > 0 { pieces.append(bytes.readSlice(length: min(16_384, bytes.readableBytes)) ?? ByteBuffer()) }
        let run = Run(.responses).take(pieces)
        #expect(!run.passed.hasSuffix("}}\n\n"))
        #expect(run.end().passed == delta + completed && run.relay.facts.isEnded)
        #expect(run.relay.facts.usage?.usage == TokenUsage(input: 3, output: 2))
    }

    @Test func whatIsHeldBeforeTheFirstContentIsBounded() {
        let run = Run().take((0..<200).map { _ in ByteBuffer(string: ": " + String(repeating: "p", count: 10_000) + "\n\n") })
        #expect(run.said == ["commit"] && run.passed.utf8.count > 1_500_000)
    }

    @Test func whatComesBehindTheEndIsBounded() {
        let run = Run().take(
            [ByteBuffer(string: Self.word + Self.finish + Self.done)]
                + (0..<300).map { _ in ByteBuffer(string: ": " + String(repeating: "p", count: 10_000) + "\n\n") })
        #expect(run.end().passed.utf8.count < 1_200_000 && run.passed.contains(Self.done))
    }
}
