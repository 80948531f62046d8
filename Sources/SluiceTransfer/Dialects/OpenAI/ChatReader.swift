import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceWire

/// Reads the stream of `/v1/chat/completions` and `/v1/completions`, as OpenAI, vLLM, llama.cpp, Groq, DeepSeek and others write it.
final class ChatReader: StreamReader {
    private(set) var facts = AnswerFacts()
    /// llama.cpp's counts: used where no usage comes.
    private var timings: ReportedUsage?
    private var pattern = EventPattern()

    init() {}

    func read(_ event: UnsafeRawBufferPointer) -> EventReading {
        if let length = self.pattern.textLength(in: event) {
            self.facts.tokens += 1
            self.facts.textBytes += length
            return EventReading(.content, hasToken: true)
        }
        let lines = EventLines(event)
        guard let data = lines.data else { return EventReading(.neutral) }
        guard lines.dataLines == 1 else {
            let joined = lines.joined
            return joined.withUnsafeBytes { self.read(data: $0, in: nil, isNamedError: lines.isError) }
        }
        return self.read(data: data, in: event, isNamedError: lines.isError)
    }

    /// - Parameter event: What the data stands in, where it stands in one piece.
    private func read(data: UnsafeRawBufferPointer, in event: UnsafeRawBufferPointer?, isNamedError: Bool) -> EventReading {
        guard data.first == UInt8(ascii: "{") else {
            guard data.isDone else { return EventReading(isNamedError ? .error(UpstreamProblem(message: "", type: nil, code: nil)) : .neutral) }
            self.facts.isEnded = true
            return EventReading(.end)
        }
        var chunk = ChatChunk(after: self.facts)
        var cursor = JSONCursor(data, isLenient: true)
        do throws(JSONFault) {
            try cursor.members { key, cursor throws(JSONFault) in try chunk.read(key, &cursor) }
            try cursor.end()
        } catch {
            return EventReading(.error(UpstreamProblem(message: "an event is no JSON", type: nil, code: nil)))
        }
        chunk.add(to: &self.facts)
        if let timings = chunk.timings { self.timings = timings }
        if let timings = self.timings { self.facts.usage = self.facts.usage?.apart(by: timings) ?? timings }
        if let problem = chunk.reportedProblem { return EventReading(.error(problem)) }
        if chunk.hasFinish {
            // Text of a choice that has ended would open it again.
            self.pattern.forget()
        } else if let event, let start = event.offset(of: data), let text = chunk.onlyText {
            self.pattern.keep(event, text: start + text.lowerBound..<start + text.upperBound)
        }
        return chunk.reading
    }

    func readOversize(_ part: UnsafeRawBufferPointer, _ place: OversizePlace) -> EventReading {
        // An error or a usage chunk is never that long.
        if place == .first { self.facts.tokens += 1 }
        return EventReading(.content, hasToken: true)
    }

    func errorEvent(_ refusal: Refusal, into buffer: inout ByteBuffer) {
        buffer.writeBytes(ErrorBody.openAIEvent(refusal))
    }

    func rewrittenError(_ event: UnsafeRawBufferPointer, problem: UpstreamProblem, into buffer: inout ByteBuffer) -> Bool {
        buffer.writeBytes(problem.openAIEvent)
        return true
    }

    func annotatedUsage(_ event: UnsafeRawBufferPointer, note: String, into buffer: inout ByteBuffer) -> Bool {
        // Behind the last brace of the data nothing but the end of the event can stand.
        guard let brace = event.lastIndex(of: UInt8(ascii: "}")) else { return false }
        buffer.writeBytes(UnsafeRawBufferPointer(rebasing: event[..<brace]))
        buffer.writeString(",\"sluice\":\(note)")
        buffer.writeBytes(UnsafeRawBufferPointer(rebasing: event[brace...]))
        return true
    }
}

/// One chunk of a chat or completions stream: what it adds to what was known.
private struct ChatChunk {
    private(set) var timings: ReportedUsage?
    private var problem: UpstreamProblem?
    private var upstreamID: String?
    private var model: String?
    private var tier: String?
    private var usage: ReportedUsage?
    private var providerCost: Money?
    private var tokens = 0
    private var textBytes = 0
    private var openChoices: UInt64
    private var finishedChoices: Int
    private let knowsID: Bool
    private let knowsModel: Bool
    private var hasUsage = false
    private var hasToken = false
    private(set) var hasFinish = false
    private var choices = 0
    private var isErrorObject = false
    private var flat = ErrorFields()
    /// Where the last text lies, if it has no escapes.
    private var plainText: Range<Int>?

    init(after facts: AnswerFacts) {
        self.openChoices = facts.openChoices
        self.finishedChoices = facts.finishedChoices
        self.knowsID = facts.upstreamID != nil
        self.knowsModel = facts.model != nil
    }

    func add(to facts: inout AnswerFacts) {
        if let id = self.upstreamID { facts.upstreamID = id }
        if let model = self.model { facts.model = model }
        if let tier = self.tier { facts.tier = tier }
        // Some servers close with a usage of zeros, which takes nothing back.
        if let usage = self.usage, !usage.isNothing || facts.usage == nil { facts.usage = usage }
        if let cost = self.providerCost { facts.providerCost = cost }
        facts.tokens += self.tokens
        facts.textBytes += self.textBytes
        facts.openChoices = self.openChoices
        facts.finishedChoices = self.finishedChoices
    }

    /// The place of the text of a chunk that has one text and nothing else that counts.
    var onlyText: Range<Int>? {
        self.choices == 1 && self.tokens == 1 && !self.hasUsage && self.timings == nil ? self.plainText : nil
    }

    var reportedProblem: UpstreamProblem? { self.problem ?? (self.isErrorObject ? self.flat.problem : nil) }

    var reading: EventReading {
        if self.choices == 0 { return EventReading(self.hasUsage ? .usageOnly : .neutral) }
        return EventReading(self.hasToken || self.hasFinish ? .content : .neutral, hasToken: self.hasToken)
    }

    mutating func read(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) {
        if key.says("choices") {
            guard cursor.peek() == UInt8(ascii: "[") else {
                try cursor.value()
                return
            }
            try cursor.elements { cursor throws(JSONFault) in try self.choice(&cursor) }
        } else if key.says("usage") {
            try self.usage(&cursor)
        } else if key.says("id"), !self.knowsID, self.upstreamID == nil {
            self.upstreamID = try cursor.string()?.decoded
        } else if key.says("model"), !self.knowsModel, self.model == nil {
            self.model = try cursor.string()?.decoded
        } else if key.says("service_tier") {
            if let tier = try cursor.string() { self.tier = tier.decoded }
        } else if key.says("error") {
            self.problem = try UpstreamProblem.read(&cursor)
        } else if key.says("timings") {
            self.timings = try LlamaTimings.read(&cursor)
        } else if key.says("x_groq") {
            try self.groq(&cursor)
        } else if key.says("object") {
            self.isErrorObject = try cursor.string()?.says("error") ?? false
        } else if key.says("message") || key.says("type") || key.says("code") {
            // An error object without an envelope, as older vLLM sends it.
            try self.flat.read(key, &cursor)
        } else {
            try cursor.value()
        }
    }

    private mutating func usage(_ cursor: inout JSONCursor) throws(JSONFault) {
        guard let usage = try OpenAIUsage.read(&cursor) else { return }
        self.hasUsage = true
        self.usage = usage.disjoint
        self.providerCost = usage.cost ?? self.providerCost
    }

    private mutating func groq(_ cursor: inout JSONCursor) throws(JSONFault) {
        guard cursor.peek() == UInt8(ascii: "{") else {
            try cursor.value()
            return
        }
        try cursor.members { key, cursor throws(JSONFault) in
            if key.says("usage") { try self.usage(&cursor) } else { try cursor.value() }
        }
    }

    private mutating func choice(_ cursor: inout JSONCursor) throws(JSONFault) {
        self.choices += 1
        guard cursor.peek() == UInt8(ascii: "{") else {
            try cursor.value()
            return
        }
        var index = 0
        var isFinished = false
        try cursor.members { key, cursor throws(JSONFault) in
            if key.says("delta") || key.says("message") {
                try self.delta(&cursor)
            } else if key.says("text") {
                try self.text(&cursor)
            } else if key.says("index") {
                index = try cursor.integer() ?? 0
            } else if key.says("finish_reason") {
                isFinished = try cursor.string()?.isEmpty == false
            } else if key.says("usage"), self.usage == nil {
                // Moonshot's place for it. It is no chunk of usage alone.
                try self.usage(&cursor)
            } else {
                try cursor.value()
            }
        }
        let bit = UInt64(1) << UInt64(min(63, max(0, index)))
        if isFinished {
            self.hasFinish = true
            self.finishedChoices += 1
            self.openChoices &= ~bit
        } else {
            self.openChoices |= bit
        }
    }

    private mutating func delta(_ cursor: inout JSONCursor) throws(JSONFault) {
        guard cursor.peek() == UInt8(ascii: "{") else {
            try cursor.value()
            return
        }
        try cursor.members { key, cursor throws(JSONFault) in
            if key.says("content") || key.says("reasoning_content") || key.says("reasoning") || key.says("refusal") {
                try self.text(&cursor)
            } else if key.says("tool_calls") || key.says("function_call") || key.says("audio") || key.says("reasoning_details") {
                let isEmpty = try cursor.value().count <= 4
                if !isEmpty {
                    self.hasToken = true
                    self.tokens += 1
                }
            } else {
                try cursor.value()
            }
        }
    }

    private mutating func text(_ cursor: inout JSONCursor) throws(JSONFault) {
        guard let text = try cursor.string(), !text.isEmpty else { return }
        self.hasToken = true
        self.tokens += 1
        self.textBytes += text.bytes.count
        self.plainText = text.hasEscapes ? nil : text.range
    }
}

extension UnsafeRawBufferPointer {
    /// Where a part of these bytes begins among them.
    fileprivate func offset(of part: UnsafeRawBufferPointer) -> Int? {
        guard let base = self.baseAddress, let start = part.baseAddress else { return nil }
        return start - base
    }
}

extension EventLines {
    /// The event's own name says that it is an error.
    var isError: Bool { self.name.map { String(decoding: $0, as: UTF8.self) == "error" } ?? false }
}

extension UnsafeRawBufferPointer {
    /// `[DONE]`, spaces around it aside.
    var isDone: Bool {
        let text = self.drop { $0 == 0x20 }
        let word: StaticString = "[DONE]"
        guard text.count >= word.utf8CodeUnitCount, (0..<word.utf8CodeUnitCount).allSatisfy({ text[text.startIndex + $0] == word.utf8Start[$0] })
        else { return false }
        return text.dropFirst(word.utf8CodeUnitCount).allSatisfy { $0 == 0x20 }
    }
}

extension UpstreamProblem {
    /// The problem as an error event of the OpenAI dialect; the code is a string or null.
    var openAIEvent: [UInt8] {
        var json: [UInt8] = []
        json.append(text: "data: {\"error\":{\"message\":")
        json.append(jsonString: self.message)
        json.append(text: ",\"type\":")
        json.append(jsonString: self.type ?? "upstream_error")
        json.append(text: ",\"param\":null,\"code\":")
        if let code = self.code { json.append(jsonString: code) } else { json.append(text: "null") }
        json.append(text: "}}\n\n")
        return json
    }
}
