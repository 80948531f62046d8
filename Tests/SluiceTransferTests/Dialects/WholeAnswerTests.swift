import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceTransfer
import Testing

@Suite struct WholeAnswerTests {
    private func read(_ body: String, _ endpoint: Endpoint, anthropic: Bool = false) -> WholeReading {
        let dialect: any Dialect = anthropic ? AnthropicDialect() : OpenAIDialect(api: .vllm)
        return ByteBuffer(string: body).withUnsafeReadableBytes { dialect.readWhole($0, on: endpoint) }
    }

    private static let endpoints: [Endpoint] = [.chat, .completions, .embeddings, .responses, .messages, .countTokens]

    @Test(
        arguments: endpoints,
        ["", "  ", "<html>502</html>", "[]", "null", "\"text\"", "{\"id\":\"x\"", "{\"id\":\"x\"}}", "{\"id\":\"x\"}{}", "{\"id\":tru}", "data: {}\n\n"])
    func whatIsNoWholeObjectIsGarbage(_ endpoint: Endpoint, _ body: String) {
        guard case .garbage = self.read(body, endpoint).kind else {
            Issue.record("\(endpoint) takes \(body)")
            return
        }
    }

    @Test(
        arguments: endpoints,
        [
            #"{"error":{"message":"overloaded","type":"overloaded_error","code":null}}"#,
            #"{"type":"error","error":{"type":"overloaded_error","message":"overloaded"}}"#, #"{"error":"overloaded"}"#,
        ])
    func aSuccessWithAnErrorInItIsNone(_ endpoint: Endpoint, _ body: String) {
        guard case .error(let problem) = self.read(body, endpoint).kind else {
            Issue.record("\(endpoint) takes \(body)")
            return
        }
        #expect(problem.message == "overloaded")
    }

    @Test func anErrorObjectWithoutAnEnvelopeIsOne() {
        guard case .error(let problem) = self.read(#"{"object":"error","message":"no room","type":"x","code":503}"#, .chat).kind else {
            Issue.record("it is taken for an answer")
            return
        }
        #expect(problem == UpstreamProblem(status: 503, message: "no room", type: "x", code: "503"))
    }

    @Test func aResponseThatFailedIsAnAnswer() {
        guard case .answer = self.read(#"{"id":"r","object":"response","status":"failed","error":{"code":"x","message":"y"}}"#, .responses).kind else {
            Issue.record("it is taken for an error")
            return
        }
    }

    @Test func brokenTextInsideIsTheModelsBusiness() {
        guard case .answer = self.read(#"{"id":"x","choices":[{"index":0,"message":{"content":"\ud800"},"finish_reason":"stop"}]}"#, .chat).kind else {
            Issue.record("a lone surrogate makes an answer garbage")
            return
        }
    }

    @Test func tellsWhoAnsweredAndHowMuch() {
        let body =
            #"{"id":"c1","model":"m-2026","service_tier":"flex","choices":[{"message":{"content":"héllo","reasoning_content":"ab"}},{"text":"xyz"}],"usage":{"prompt_tokens":1}}"#
        let facts = self.read(body, .chat).facts
        #expect(facts.upstreamID == "c1" && facts.model == "m-2026" && facts.tier == "flex" && facts.textBytes == 11)
    }

    @Test(
        arguments: [
            (nil, nil, 502), ("rate_limit_error", nil, 429), (nil, "insufficient_quota", 429), ("overloaded_error", nil, 529), ("x", "503", 503),
            ("service_unavailable_error", nil, 503), ("api_error", nil, 502),
            (nil, "429", 429), ("invalid_request_error", "context_length_exceeded", 502),
        ] as [(String?, String?, Int)])
    func typeAndCodeTellTheStatus(_ type: String?, _ code: String?, _ status: Int) {
        let fields = [type.map { "\"type\":\"\($0)\"" }, code.map { "\"code\":\"\($0)\"" }, "\"message\":\"m\""].compactMap { $0 }.joined(separator: ",")
        guard case .error(let problem) = self.read("{\"error\":{\(fields)}}", .chat).kind else {
            Issue.record("it is taken for an answer")
            return
        }
        #expect(problem.status == status)
    }
}
