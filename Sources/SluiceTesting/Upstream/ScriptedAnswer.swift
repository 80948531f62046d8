package import NIOCore
import SluiceCore

/// What a scripted model says, and what it would bill for it; each dialect has its own way to put that on the wire.
package struct ScriptedAnswer: Sendable {
    /// The prompt's tokens, cached ones included.
    package var promptTokens = 100
    package var cachedTokens = 0
    /// Tokens written to the cache; only Anthropic bills them.
    package var cacheWriteTokens = 0
    /// All generated tokens, reasoning included; the others are one piece of text each.
    package var outputTokens = 20
    package var reasoningTokens = 0
    /// One token.
    package var text = "tok "
    package var finish = "stop"
    /// Before the first byte.
    package var first: TimeAmount?
    /// Between tokens.
    package var gap: TimeAmount?
    /// Whether the backend reports usage at all.
    package var reportsUsage = true
    /// Whether a stream ends with `[DONE]`.
    package var saysDone = true

    package init() {}

    private var visibleTokens: Int { self.outputTokens - self.reasoningTokens }

    private var wholeText: String { String(repeating: self.text, count: self.visibleTokens) }

    private func billed(cacheWrite: Bool) -> TokenUsage {
        var usage = TokenUsage(
            input: self.promptTokens - self.cachedTokens, cachedInput: self.cachedTokens, output: self.visibleTokens,
            reasoning: self.reasoningTokens)
        if cacheWrite { usage.cacheWrite5m = self.cacheWriteTokens }
        return usage
    }

    private var pause: [UpstreamPlan.Step] { self.first.map { [.sleep($0)] } ?? [] }

    /// The head, the first events, one event for each token, the last events.
    private func stream(_ opening: [String], token: (Int) -> String, closing: [String]) -> [UpstreamPlan.Step] {
        var steps = self.pause + [.head(200, UpstreamPlan.eventStream)] + opening.map { .bytes($0) }
        for number in 0..<self.visibleTokens {
            if let gap = self.gap { steps.append(.sleep(gap)) }
            steps.append(.bytes(token(number)))
        }
        return steps + closing.map { .bytes($0) } + [.end]
    }

    private func whole(_ body: String) -> [UpstreamPlan.Step] { self.pause + UpstreamPlan.json(body).steps }
}

// MARK: - OpenAI

extension ScriptedAnswer {
    private var openAIUsage: String {
        """
        {"prompt_tokens":\(self.promptTokens),"completion_tokens":\(self.outputTokens),"total_tokens":\(self.promptTokens + self.outputTokens),\
        "prompt_tokens_details":{"cached_tokens":\(self.cachedTokens)},"completion_tokens_details":{"reasoning_tokens":\(self.reasoningTokens)}}
        """
    }

    /// `/v1/chat/completions`, streamed or whole as the request asks.
    package var chat: UpstreamBehaviour {
        { record in
            let asked = AskedAnswer(record)
            let id = "chatcmpl-\(record.number + 1)"
            let base = #""id":"\#(id)","created":1,"model":\#(ScriptedJSON.string(asked.modelName))"#
            let billed = self.billed(cacheWrite: false)
            guard asked.isStreamed else {
                let usage = self.reportsUsage ? #","usage":\#(self.openAIUsage)"# : ""
                let message = #"{"role":"assistant","content":\#(ScriptedJSON.string(self.wholeText))}"#
                let choice = #"{"index":0,"message":\#(message),"finish_reason":"\#(self.finish)"}"#
                let body = #"{\#(base),"object":"chat.completion","choices":[\#(choice)]\#(usage)}"#
                return UpstreamPlan(self.whole(body), billed: billed, answerID: id)
            }
            func chunk(_ delta: String, _ finish: String = "null") -> String {
                let choice = #"{"index":0,"delta":\#(delta),"finish_reason":\#(finish)}"#
                return "data: {\(base),\"object\":\"chat.completion.chunk\",\"choices\":[\(choice)]}\n\n"
            }
            var closing = [chunk("{}", "\"\(self.finish)\"")]
            if self.reportsUsage, asked.wantsUsage {
                closing.append("data: {\(base),\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":\(self.openAIUsage)}\n\n")
            }
            if self.saysDone { closing.append("data: [DONE]\n\n") }
            let token = chunk(#"{"content":\#(ScriptedJSON.string(self.text))}"#)
            let steps = self.stream([chunk(#"{"role":"assistant","content":""}"#)], token: { _ in token }, closing: closing)
            return UpstreamPlan(steps, billed: billed, answerID: id)
        }
    }

    /// `/v1/completions`, streamed or whole as the request asks.
    package var completions: UpstreamBehaviour {
        { record in
            let asked = AskedAnswer(record)
            let id = "cmpl-\(record.number + 1)"
            let base = #""id":"\#(id)","object":"text_completion","created":1,"model":\#(ScriptedJSON.string(asked.modelName))"#
            let billed = self.billed(cacheWrite: false)
            func choice(_ text: String, _ finish: String) -> String {
                #"{"index":0,"text":\#(ScriptedJSON.string(text)),"logprobs":null,"finish_reason":\#(finish)}"#
            }
            let finish = "\"\(self.finish)\""
            guard asked.isStreamed else {
                let usage = self.reportsUsage ? #","usage":\#(self.openAIUsage)"# : ""
                return UpstreamPlan(
                    self.whole("{\(base),\"choices\":[\(choice(self.wholeText, finish))]\(usage)}"), billed: billed, answerID: id)
            }
            var closing = ["data: {\(base),\"choices\":[\(choice("", finish))]}\n\n"]
            if self.reportsUsage, asked.wantsUsage { closing.append("data: {\(base),\"choices\":[],\"usage\":\(self.openAIUsage)}\n\n") }
            if self.saysDone { closing.append("data: [DONE]\n\n") }
            let token = "data: {\(base),\"choices\":[\(choice(self.text, "null"))]}\n\n"
            return UpstreamPlan(self.stream([], token: { _ in token }, closing: closing), billed: billed, answerID: id)
        }
    }

    /// `/v1/embeddings`.
    package var embeddings: UpstreamBehaviour {
        { record in
            let model = ScriptedJSON.string(AskedAnswer(record).modelName)
            let usage = #"{"prompt_tokens":\#(self.promptTokens),"total_tokens":\#(self.promptTokens)}"#
            let item = #"{"object":"embedding","index":0,"embedding":[0.5,-0.25,0.125]}"#
            let body = #"{"object":"list","data":[\#(item)],"model":\#(model),"usage":\#(usage)}"#
            return UpstreamPlan(self.whole(body), billed: TokenUsage(input: self.promptTokens))
        }
    }

    /// `/v1/responses`, streamed or whole as the request asks.
    package var responses: UpstreamBehaviour {
        { record in
            let asked = AskedAnswer(record)
            let id = "resp_\(record.number + 1)"
            let usage = """
                {"input_tokens":\(self.promptTokens),"input_tokens_details":{"cached_tokens":\(self.cachedTokens)},\
                "output_tokens":\(self.outputTokens),"output_tokens_details":{"reasoning_tokens":\(self.reasoningTokens)},\
                "total_tokens":\(self.promptTokens + self.outputTokens)}
                """
            func response(_ status: String, _ output: String, _ usage: String) -> String {
                let head =
                    #""id":"\#(id)","object":"response","created_at":1,"status":"\#(status)","model":\#(ScriptedJSON.string(asked.modelName))"#
                return #"{\#(head),"output":[\#(output)],"usage":\#(usage)}"#
            }
            let part = #"{"type":"output_text","text":\#(ScriptedJSON.string(self.wholeText)),"annotations":[]}"#
            let message = #"{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[\#(part)]}"#
            let complete = response("completed", message, self.reportsUsage ? usage : "null")
            let billed = self.billed(cacheWrite: false)
            guard asked.isStreamed else { return UpstreamPlan(self.whole(complete), billed: billed, answerID: id) }
            func event(_ type: String, _ number: Int, _ fields: String) -> String {
                "event: \(type)\ndata: {\"type\":\"\(type)\",\"sequence_number\":\(number),\(fields)}\n\n"
            }
            let opening = ["response.created", "response.in_progress"].enumerated().map { number, type in
                event(type, number, "\"response\":\(response("in_progress", "", "null"))")
            }
            let delta = #""item_id":"msg_1","output_index":0,"content_index":0,"delta":\#(ScriptedJSON.string(self.text))"#
            let last = event("response.completed", self.visibleTokens + 2, "\"response\":\(complete)")
            let steps = self.stream(opening, token: { event("response.output_text.delta", $0 + 2, delta) }, closing: [last])
            return UpstreamPlan(steps, billed: billed, answerID: id)
        }
    }
}

// MARK: - Anthropic

extension ScriptedAnswer {
    /// `/v1/messages`, streamed or whole as the request asks. Cached tokens are no part of Anthropic's `input_tokens`.
    package var messages: UpstreamBehaviour {
        { record in
            let asked = AskedAnswer(record)
            let id = "msg_\(record.number + 1)"
            func usage(_ output: Int) -> String {
                """
                {"input_tokens":\(self.promptTokens - self.cachedTokens),"cache_read_input_tokens":\(self.cachedTokens),\
                "cache_creation_input_tokens":\(self.cacheWriteTokens),"output_tokens":\(output)}
                """
            }
            func message(_ content: String, _ reason: String, _ output: Int) -> String {
                let head = #""id":"\#(id)","type":"message","role":"assistant","model":\#(ScriptedJSON.string(asked.modelName))"#
                return #"{\#(head),"content":[\#(content)],"stop_reason":\#(reason),"stop_sequence":null,"usage":\#(usage(output))}"#
            }
            let billed = self.billed(cacheWrite: true)
            guard asked.isStreamed else {
                let text = #"{"type":"text","text":\#(ScriptedJSON.string(self.wholeText))}"#
                return UpstreamPlan(self.whole(message(text, "\"end_turn\"", self.outputTokens)), billed: billed, answerID: id)
            }
            func event(_ type: String, _ fields: String = "") -> String {
                "event: \(type)\ndata: {\"type\":\"\(type)\"\(fields.isEmpty ? "" : ",")\(fields)}\n\n"
            }
            let delta = event("content_block_delta", #""index":0,"delta":{"type":"text_delta","text":\#(ScriptedJSON.string(self.text))}"#)
            let steps = self.stream(
                [
                    event("message_start", #""message":\#(message("", "null", 1))"#),
                    event("content_block_start", #""index":0,"content_block":{"type":"text","text":""}"#),
                ],
                token: { _ in delta },
                closing: [
                    event("content_block_stop", #""index":0"#),
                    event(
                        "message_delta",
                        #""delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":\#(self.outputTokens)}"#),
                    event("message_stop"),
                ])
            return UpstreamPlan(steps, billed: billed, answerID: id)
        }
    }

    /// Whatever the path asks for.
    package var any: UpstreamBehaviour {
        { record in
            switch Endpoint(path: record.path.prefix { $0 != "?" }) {
            case .chat: return self.chat(record)
            case .completions: return self.completions(record)
            case .embeddings: return self.embeddings(record)
            case .responses: return self.responses(record)
            case .messages: return self.messages(record)
            case .countTokens: return .json(#"{"input_tokens":\#(self.promptTokens)}"#)
            case nil:
                return .json(#"{"error":{"message":"no such path","type":"invalid_request_error","param":null,"code":null}}"#, status: 404)
            }
        }
    }
}
