import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceTransfer
import Testing

/// What each event of a stream means to the relay.
@Suite struct StreamReaderTests {
    private func reader(_ endpoint: Endpoint) -> any StreamReader { OpenAIDialect(api: .openai).streamReader(for: endpoint) }

    private func read(_ event: String, by reader: any StreamReader) -> EventReading {
        ByteBuffer(string: event).withUnsafeReadableBytes { reader.read($0) }
    }

    private func name(_ kind: EventReading.Kind) -> String {
        switch kind {
        case .neutral: "neutral"
        case .content: "content"
        case .usageOnly: "usage"
        case .end: "end"
        case .error(let problem): "error \(problem.status)"
        }
    }

    private func written(_ write: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer()
        write(&buffer)
        return String(buffer: buffer)
    }

    // MARK: Chat

    @Test(arguments: [
        (": ping", "neutral", false), ("retry: 100", "neutral", false),
        ("data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}", "neutral", false),
        ("data: {\"choices\":[],\"prompt_filter_results\":[]}", "neutral", false), ("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}", "content", true),
        ("data:{\"choices\":[{\"delta\":{\"reasoning_content\":\"a\"}}]}", "content", true),
        ("data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0}]}}]}", "content", true),
        ("data: {\"choices\":[{\"delta\":{\"tool_calls\":[]}}]}", "neutral", false), ("data: {\"choices\":[{\"text\":\"a\"}]}", "content", true),
        ("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}", "content", false),
        ("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}", "usage", false),
        ("data: {\"choices\":[],\"usage\":null}", "neutral", false),
        ("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":1}}", "content", true), ("data: [DONE]", "end", false),
        ("data:  [DONE] ", "end", false), ("data: [done]", "neutral", false),
        ("data: [DONE]x", "neutral", false), ("data: {\"error\":{\"message\":\"m\",\"type\":\"overloaded_error\"}}", "error 529", false),
        ("data: {\"error\":{\"message\":\"m\",\"code\":429}}", "error 429", false),
        ("data: {\"error\":null,\"choices\":[{\"delta\":{\"content\":\"a\"}}]}", "content", true),
        ("data: {\"object\":\"error\",\"message\":\"m\",\"code\":503}", "error 503", false),
        ("data: {\"message\":\"m\",\"code\":503,\"object\":\"error\"}", "error 503", false),
        ("event: error\ndata: something", "error 502", false), ("data: {\"choices\":[{\"delta\":", "error 502", false),
        ("data: {\"choices\":[{}]}}", "error 502", false), ("data: 7", "neutral", false), ("data:", "neutral", false),
        ("data: {\"choices\":\ndata: [{\"delta\":{\"content\":\"a\"}}]}", "content", true),
        ("event: x\nid: 1\ndata: {\"choices\":[{\"delta\":{\"content\":\"\\ud800\"}}]}", "content", true),
    ])
    func chatEvents(_ event: String, _ kind: String, _ hasToken: Bool) {
        let reading = self.read(event + "\n\n", by: self.reader(.chat))
        #expect(self.name(reading.kind) == kind && reading.hasToken == hasToken)
    }

    @Test func aChatIsFinishedWhenEveryChoiceIs() {
        let reader = self.reader(.chat)
        func choice(_ index: Int, _ finish: String) -> String {
            "data: {\"choices\":[{\"index\":\(index),\"delta\":{\"content\":\"a\"},\"finish_reason\":\(finish)}]}\n\n"
        }
        #expect(!reader.facts.isFinished)
        for event in [choice(0, "null"), choice(1, "null"), choice(0, "\"stop\"")] { _ = self.read(event, by: reader) }
        #expect(!reader.facts.isFinished && reader.facts.tokens == 3)
        _ = self.read(choice(1, "\"length\""), by: reader)
        #expect(reader.facts.isFinished && !reader.facts.isEnded)
        _ = self.read("data: [DONE]\n\n", by: reader)
        #expect(reader.facts.isEnded)
    }

    @Test func theLastUsageOfAStreamCounts() throws {
        let reader = self.reader(.chat)
        for count in [1, 5, 9] { _ = self.read("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":\(count)}}\n\n", by: reader) }
        #expect(try #require(reader.facts.usage).usage == TokenUsage(input: 3, output: 9))
    }

    @Test func groqsUsageIsFoundWhereItStands() throws {
        let reader = self.reader(.chat)
        _ = self.read(
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"x_groq\":{\"id\":\"r\",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":9}}}\n\n",
            by: reader)
        #expect(try #require(reader.facts.usage).usage == TokenUsage(input: 3, output: 9))
    }

    @Test(arguments: ["{\"code\":429}", "{\"code\":\"429\"}", "{\"code\":null}", "{\"code\":[1]}"])
    func aLateErrorIsRewrittenWithACodeThatIsAStringOrNull(_ error: String) {
        let reader = self.reader(.chat)
        let event = "data: {\"error\":\(error)}\n\n"
        guard case .error(let problem) = self.read(event, by: reader).kind else {
            Issue.record("no error")
            return
        }
        let text = self.written { buffer in
            ByteBuffer(string: event).withUnsafeReadableBytes { _ = reader.rewrittenError($0, problem: problem, into: &buffer) }
        }
        #expect(text.hasPrefix("data: {\"error\":{\"message\":\"") && text.hasSuffix("\"code\":\(problem.code.map { "\"\($0)\"" } ?? "null")}}\n\n"))
    }

    @Test(arguments: ["data: {\"choices\":[],\"usage\":{\"a\":1}}\n\n", "data: {\"usage\":{\"a\":{}} }\r\n\r\n", "data: {\ndata: \"usage\":{}\ndata: }\n\n"])
    func theCostStandsBesideTheUsage(_ event: String) throws {
        let reader = self.reader(.chat)
        let text = self.written { buffer in
            ByteBuffer(string: event).withUnsafeReadableBytes { _ = reader.annotatedUsage($0, note: "{\"cost\":\"1\"}", into: &buffer) }
        }
        let brace = try #require(event.lastIndex(of: "}"))
        #expect(text == event[..<brace] + ",\"sluice\":{\"cost\":\"1\"}" + event[brace...])
    }

    // MARK: Responses

    @Test(arguments: [
        ("response.created", "\"response\":{\"id\":\"r\"}", "neutral", false), ("response.in_progress", "\"response\":{}", "neutral", false),
        ("response.output_item.added", "\"item\":{}", "neutral", false),
        ("response.output_text.delta", "\"delta\":\"a\"", "content", true), ("response.function_call_arguments.delta", "\"delta\":\"{\"", "content", true),
        ("response.output_text.done", "\"text\":\"a\"", "content", false),
        ("response.completed", "\"response\":{\"status\":\"completed\"}", "end", false), ("response.incomplete", "\"response\":{}", "end", false),
        ("response.failed", "\"response\":{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"m\"}}", "error 429", false),
        ("error", "\"code\":\"server_error\",\"message\":\"m\"", "error 502", false),
        ("error", "\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}", "error 529", false), ("response.unheard_of", "\"x\":1", "content", false),
        ("keepalive", "\"x\":1", "neutral", false),
    ])
    func responsesEvents(_ type: String, _ fields: String, _ kind: String, _ hasToken: Bool) {
        let reading = self.read("event: \(type)\ndata: {\"type\":\"\(type)\",\"sequence_number\":1,\(fields)}\n\n", by: self.reader(.responses))
        #expect(self.name(reading.kind) == kind && reading.hasToken == hasToken)
    }

    @Test func anErrorOfOursKeepsTheResponsesIdAndGoesOnCounting() {
        let reader = self.reader(.responses)
        for event in [
            "{\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_7\",\"model\":\"m\"}}",
            "{\"type\":\"response.output_text.delta\",\"sequence_number\":6,\"delta\":\"a\"}",
        ] {
            _ = self.read("data: \(event)\n\n", by: reader)
        }
        let text = self.written { reader.errorEvent(Refusal(502, .upstreamFailed, "it broke"), into: &$0) }
        #expect(text.hasPrefix("event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":7,\"response\":{\"id\":\"resp_7\""))
        #expect(text.contains("\"message\":\"it broke\"") && text.hasSuffix("}\n\n") && text.filter(\.isNewline).count == 3)
    }

    @Test func aFlatErrorIsFollowedByAFailure() {
        let reader = self.reader(.responses)
        let flat = "event: error\ndata: {\"type\":\"error\",\"sequence_number\":3,\"code\":\"x\",\"message\":\"m\"}\n\n"
        guard case .error(let problem) = self.read(flat, by: reader).kind else {
            Issue.record("no error")
            return
        }
        let text = self.written { buffer in ByteBuffer(string: flat).withUnsafeReadableBytes { _ = reader.rewrittenError($0, problem: problem, into: &buffer) }
        }
        #expect(text.hasPrefix(flat) && text.dropFirst(flat.count).hasPrefix("event: response.failed\n") && text.contains("\"sequence_number\":4"))
    }

    @Test func aFailureOfItsOwnIsPassedAlone() {
        let reader = self.reader(.responses)
        let failed =
            "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":3,\"response\":{\"id\":\"r\",\"error\":{\"message\":\"m\"}}}\n\n"
        guard case .error(let problem) = self.read(failed, by: reader).kind else {
            Issue.record("no error")
            return
        }
        #expect(
            self.written { buffer in ByteBuffer(string: failed).withUnsafeReadableBytes { _ = reader.rewrittenError($0, problem: problem, into: &buffer) } }
                == failed)
    }

    // MARK: Messages

    @Test(arguments: [
        ("message_start", "\"message\":{\"id\":\"m\",\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}", "neutral", false),
        ("ping", "\"x\":1", "neutral", false), ("content_block_start", "\"index\":0", "neutral", false),
        ("content_block_delta", "\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}", "content", true),
        ("content_block_delta", "\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\"}", "content", true),
        ("content_block_stop", "\"index\":0", "content", false),
        ("message_delta", "\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":5}", "content", false),
        ("message_stop", "\"x\":1", "end", false),
        ("error", "\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}", "error 529", false), ("unheard_of", "\"x\":1", "content", false),
    ])
    func messagesEvents(_ type: String, _ fields: String, _ kind: String, _ hasToken: Bool) {
        let reading = self.read("event: \(type)\ndata: {\"type\":\"\(type)\",\(fields)}\n\n", by: self.reader(.messages))
        #expect(self.name(reading.kind) == kind && reading.hasToken == hasToken)
    }

    @Test func runningTotalsAreCountedOnce() throws {
        let reader = self.reader(.messages)
        for event in [
            "{\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":10,\"cache_read_input_tokens\":4,\"output_tokens\":1}}}",
            "{\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":5}}",
            "{\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":9}}",
        ] {
            _ = self.read("data: \(event)\n\n", by: reader)
        }
        #expect(try #require(reader.facts.usage).usage == TokenUsage(input: 10, cachedInput: 4, output: 9))
        #expect(reader.facts.upstreamID == "m1" && reader.facts.model == "claude")
    }

    @Test func whatIsAnErrorEventInFormPassesAsItCame() {
        let reader = self.reader(.messages)
        func passes(_ event: String) -> Bool {
            guard case .error(let problem) = self.read(event, by: reader).kind else { return false }
            var buffer = ByteBuffer()
            return ByteBuffer(string: event).withUnsafeReadableBytes { !reader.rewrittenError($0, problem: problem, into: &buffer) }
        }
        #expect(passes("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"m\"}}\n\n"))
        #expect(!passes("data: {\"error\":{\"message\":\"m\"}}\n\n"))
    }
}
