import SluiceCore
import SluiceWire

/// What the simulated backend says: the same words every time, in the shape that the endpoint asks for.
struct SimulatedAnswer {
    private static let words = ["the ", "river ", "keeps ", "its ", "own ", "time ", "and ", "the ", "gate ", "opens ", "when ", "it ", "is ", "cheap "]

    private let endpoint: Endpoint
    private let model: String
    private let tokens: Int
    private let prompt: Int
    /// Choices of a completion, vectors of an embedding.
    private let choices: Int
    private let isStream: Bool
    private let wantsUsage: Bool
    private let simulation: Backend.Simulation
    private let serial: Int
    /// In seconds.
    private let created: Int64

    init(endpoint: Endpoint, fields: RequestFields, body: UnsafeRawBufferPointer, simulation: Backend.Simulation, serial: Int, created: Int64) {
        self.endpoint = endpoint
        self.model = fields.model
        self.tokens = max(1, min(fields.maxTokens ?? simulation.outputTokens, simulation.outputTokens))
        self.prompt = max(1, fields.promptBytes / 4)
        self.choices =
            switch endpoint {
            case .chat, .completions: min(fields.choices, 16)
            case .embeddings: fields.promptRange.map { SimulatedAnswer.inputs(body, at: $0.lowerBound) } ?? 1
            case .responses, .messages, .countTokens: 1
            }
        self.isStream = fields.isStream
        self.wantsUsage = fields.wantsUsage
        self.simulation = simulation
        self.serial = serial
        self.created = created
    }

    /// How many vectors an embedding request asks for: a list of texts or of token lists gets one each.
    private static func inputs(_ body: UnsafeRawBufferPointer, at start: Int) -> Int {
        var cursor = JSONCursor(body, at: start)
        guard cursor.peek() == UInt8(ascii: "[") else { return 1 }
        var count = 0
        try? cursor.elements { element throws(JSONFault) in
            if element.peek() == UInt8(ascii: "\"") || element.peek() == UInt8(ascii: "[") { count += 1 }
            try element.value()
        }
        return max(1, count)
    }

    static func problem(_ message: String) -> [UInt8] {
        var json: [UInt8] = []
        json.append(text: "{\"error\":{\"message\":")
        json.append(jsonString: message)
        json.append(text: ",\"type\":\"server_error\",\"param\":null,\"code\":null}}")
        return json
    }

    var steps: [SimulatedExchange.Step] { self.isStream ? self.streamSteps : self.wholeSteps }

    private var wholeSteps: [SimulatedExchange.Step] {
        let isGenerating = self.endpoint != .embeddings && self.endpoint != .countTokens
        let time = self.simulation.firstToken + (isGenerating ? self.simulation.perToken * (self.tokens - 1) : .zero)
        return [.init(after: time, .whole(status: 200, Array(self.body.utf8)))]
    }

    private var streamSteps: [SimulatedExchange.Step] {
        let events = self.events
        var steps: [SimulatedExchange.Step] = [
            .init(after: self.simulation.firstToken, .head(status: 200, contentType: "text/event-stream"))
        ]
        steps += events.opening.map { .init(after: .zero, .bytes(Array($0.utf8))) }
        for index in 0..<self.tokens {
            let words = (0..<self.choices).map { events.token(self.word(index), $0) }.joined()
            steps.append(.init(after: index == 0 ? .zero : self.simulation.perToken, .bytes(Array(words.utf8))))
        }
        steps += events.closing.map { .init(after: .zero, .bytes(Array($0.utf8))) }
        steps.append(.init(after: .zero, .end))
        return steps
    }

    private func word(_ index: Int) -> String { SimulatedAnswer.words[index % SimulatedAnswer.words.count] }
    private var text: String { (0..<self.tokens).map(self.word).joined() }
    private var quotedModel: String { SimulatedAnswer.quoted(self.model) }

    private static func quoted(_ text: String) -> String {
        var json: [UInt8] = []
        json.append(jsonString: text)
        return String(decoding: json, as: UTF8.self)
    }

    private var chatUsage: String {
        let out = self.tokens * self.choices
        return "{\"prompt_tokens\":\(self.prompt),\"completion_tokens\":\(out),\"total_tokens\":\(self.prompt + out),"
            + "\"prompt_tokens_details\":{\"cached_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0}}"
    }

    private var responsesUsage: String {
        "{\"input_tokens\":\(self.prompt),\"input_tokens_details\":{\"cached_tokens\":0},\"output_tokens\":\(self.tokens),"
            + "\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":\(self.prompt + self.tokens)}"
    }

    private func response(status: String, output: String, usage: String) -> String {
        "{\"id\":\"resp_sim\(self.serial)\",\"object\":\"response\",\"created_at\":\(self.created),\"status\":\"\(status)\",\"model\":\(self.quotedModel),"
            + "\"error\":null,\"incomplete_details\":null,\"instructions\":null,\"metadata\":{},\"parallel_tool_calls\":true,\"temperature\":1,"
            + "\"tool_choice\":\"auto\",\"tools\":[],\"top_p\":1,\"output\":\(output),\"usage\":\(usage)}"
    }

    private var outputItem: String {
        "{\"id\":\"msg_sim\(self.serial)\",\"type\":\"message\",\"status\":\"completed\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\","
            + "\"text\":\(SimulatedAnswer.quoted(self.text)),\"annotations\":[]}]}"
    }

    private var body: String {
        switch self.endpoint {
        case .chat:
            let choices = (0..<self.choices).map {
                "{\"index\":\($0),\"message\":{\"role\":\"assistant\",\"content\":\(SimulatedAnswer.quoted(self.text)),\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}"
            }
            return "{\"id\":\"chatcmpl-sim\(self.serial)\",\"object\":\"chat.completion\",\"created\":\(self.created),\"model\":\(self.quotedModel),"
                + "\"choices\":[\(choices.joined(separator: ","))],\"usage\":\(self.chatUsage)}"
        case .completions:
            let choices = (0..<self.choices).map {
                "{\"index\":\($0),\"text\":\(SimulatedAnswer.quoted(self.text)),\"logprobs\":null,\"finish_reason\":\"stop\"}"
            }
            return "{\"id\":\"cmpl-sim\(self.serial)\",\"object\":\"text_completion\",\"created\":\(self.created),\"model\":\(self.quotedModel),"
                + "\"choices\":[\(choices.joined(separator: ","))],\"usage\":\(self.chatUsage)}"
        case .embeddings:
            let vectors = (0..<self.choices).map { "{\"object\":\"embedding\",\"index\":\($0),\"embedding\":[0.125,-0.25,0.5]}" }
            return "{\"object\":\"list\",\"data\":[\(vectors.joined(separator: ","))],\"model\":\(self.quotedModel),"
                + "\"usage\":{\"prompt_tokens\":\(self.prompt),\"total_tokens\":\(self.prompt)}}"
        case .responses:
            return self.response(status: "completed", output: "[\(self.outputItem)]", usage: self.responsesUsage)
        case .messages:
            return "{\"id\":\"msg_sim\(self.serial)\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\(self.quotedModel),"
                + "\"content\":[{\"type\":\"text\",\"text\":\(SimulatedAnswer.quoted(self.text))}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,"
                + "\"usage\":{\"input_tokens\":\(self.prompt),\"output_tokens\":\(self.tokens)}}"
        case .countTokens:
            return "{\"input_tokens\":\(self.prompt)}"
        }
    }

    private struct Events {
        var opening: [String]
        var token: (_ word: String, _ choice: Int) -> String
        var closing: [String]
    }

    private var events: Events {
        switch self.endpoint {
        case .chat, .completions, .embeddings, .countTokens: self.chatEvents
        case .responses: self.responsesEvents
        case .messages: self.messagesEvents
        }
    }

    private var chatEvents: Events {
        let isChat = self.endpoint == .chat
        let head =
            "data: {\"id\":\"\(isChat ? "chatcmpl" : "cmpl")-sim\(self.serial)\",\"object\":\"\(isChat ? "chat.completion.chunk" : "text_completion")\",\"created\":\(self.created),\"model\":\(self.quotedModel),"
        func chunk(_ choice: Int, _ content: String, _ finish: String) -> String {
            head + "\"choices\":[{\"index\":\(choice),\(content),\"finish_reason\":\(finish)}]}\n\n"
        }
        let empty = isChat ? "\"delta\":{}" : "\"text\":\"\""
        var closing = (0..<self.choices).map { chunk($0, empty, "\"stop\"") }
        if self.wantsUsage { closing.append(head + "\"choices\":[],\"usage\":\(self.chatUsage)}\n\n") }
        closing.append("data: [DONE]\n\n")
        return Events(
            opening: isChat ? (0..<self.choices).map { chunk($0, "\"delta\":{\"role\":\"assistant\",\"content\":\"\"}", "null") } : [],
            token: { word, choice in
                let text = SimulatedAnswer.quoted(word)
                return chunk(choice, isChat ? "\"delta\":{\"content\":\(text)}" : "\"text\":\(text)", "null")
            },
            closing: closing)
    }

    private var responsesEvents: Events {
        func event(_ type: String, _ number: Int, _ fields: String) -> String {
            "event: \(type)\ndata: {\"type\":\"\(type)\",\"sequence_number\":\(number),\(fields)}\n\n"
        }
        let running = "\"response\":" + self.response(status: "in_progress", output: "[]", usage: "null")
        let place = "\"item_id\":\"msg_sim\(self.serial)\",\"output_index\":0,\"content_index\":0"
        var number = 3
        let count = self.tokens
        return Events(
            opening: [
                event("response.created", 0, running), event("response.in_progress", 1, running),
                event(
                    "response.output_item.added", 2,
                    "\"output_index\":0,\"item\":{\"id\":\"msg_sim\(self.serial)\",\"type\":\"message\",\"status\":\"in_progress\",\"role\":\"assistant\",\"content\":[]}"
                ),
                event("response.content_part.added", 3, "\(place),\"part\":{\"type\":\"output_text\",\"text\":\"\",\"annotations\":[]}"),
            ],
            token: { word, _ in
                number += 1
                return event("response.output_text.delta", number, "\(place),\"delta\":\(SimulatedAnswer.quoted(word)),\"logprobs\":[]")
            },
            closing: [
                event("response.output_text.done", count + 4, "\(place),\"text\":\(SimulatedAnswer.quoted(self.text)),\"logprobs\":[]"),
                event("response.output_item.done", count + 5, "\"output_index\":0,\"item\":\(self.outputItem)"),
                event(
                    "response.completed", count + 6,
                    "\"response\":" + self.response(status: "completed", output: "[\(self.outputItem)]", usage: self.responsesUsage)),
            ])
    }

    private var messagesEvents: Events {
        func event(_ type: String, _ fields: String) -> String { "event: \(type)\ndata: {\"type\":\"\(type)\"\(fields)}\n\n" }
        return Events(
            opening: [
                event(
                    "message_start",
                    ",\"message\":{\"id\":\"msg_sim\(self.serial)\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\(self.quotedModel),\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":\(self.prompt),\"output_tokens\":1}}"
                ),
                event("content_block_start", ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}"),
            ],
            token: { word, _ in
                event("content_block_delta", ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\(SimulatedAnswer.quoted(word))}")
            },
            closing: [
                event("content_block_stop", ",\"index\":0"),
                event("message_delta", ",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":\(self.tokens)}"),
                event("message_stop", ""),
            ])
    }
}
