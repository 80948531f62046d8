import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceWire

/// Reads the stream of `/v1/responses`: named events with a rising `sequence_number`.
final class ResponsesReader: StreamReader {
    private(set) var facts = AnswerFacts()
    private var sequence = -1
    private var isFailedEvent = false
    private var longEnd: LongEnd?

    init() {}

    func read(_ event: UnsafeRawBufferPointer) -> EventReading {
        let lines = EventLines(event)
        guard let data = lines.data else { return EventReading(.neutral) }
        guard lines.dataLines == 1 else {
            let joined = lines.joined
            return joined.withUnsafeBytes { self.read(data: $0) }
        }
        return self.read(data: data)
    }

    private func read(data: UnsafeRawBufferPointer) -> EventReading {
        // `[DONE]` is no event of this API; some servers send it all the same.
        guard data.first == UInt8(ascii: "{") else { return EventReading(data.isDone ? .end : .neutral) }
        var parsed = ResponsesEvent(facts: self.facts)
        var cursor = JSONCursor(data, isLenient: true)
        do throws(JSONFault) {
            try cursor.members { key, cursor throws(JSONFault) in try parsed.read(key, &cursor) }
            try cursor.end()
        } catch {
            return EventReading(.error(UpstreamProblem(message: "an event is no JSON", type: nil, code: nil)))
        }
        self.facts = parsed.facts
        if let sequence = parsed.sequence { self.sequence = max(self.sequence, sequence) }
        switch parsed.type {
        case "response.completed", "response.incomplete":
            self.facts.isEnded = true
            return EventReading(.end)
        case "response.failed":
            self.isFailedEvent = true
            return EventReading(.error(parsed.responseProblem ?? UpstreamProblem(message: "", type: nil, code: nil)))
        case "error":
            return EventReading(.error(parsed.problem ?? parsed.flat.problem))
        case "response.created", "response.in_progress", "response.queued", "response.output_item.added", "response.content_part.added", "keepalive":
            return EventReading(.neutral)
        case nil:
            if let problem = parsed.problem { return EventReading(.error(problem)) }
            return EventReading(.content)
        default:
            let isDelta = parsed.type?.hasSuffix(".delta") ?? false
            if isDelta {
                self.facts.tokens += 1
                self.facts.textBytes += parsed.deltaBytes
            }
            return EventReading(.content, hasToken: isDelta)
        }
    }

    /// The last event repeats the whole output, so it may be as long as all of it.
    func readOversize(_ part: UnsafeRawBufferPointer, _ place: OversizePlace) -> EventReading {
        if place == .first { self.longEnd = LongEnd(part) }
        self.longEnd?.add(part)
        guard place == .last, let end = self.longEnd else { return EventReading(.content, hasToken: true) }
        self.longEnd = nil
        self.facts.isEnded = true
        if let usage = end.usage { self.facts.usage = usage }
        return EventReading(.end)
    }

    func errorEvent(_ refusal: Refusal, into buffer: inout ByteBuffer) {
        self.failed(message: refusal.message, code: "server_error", into: &buffer)
    }

    /// A flat `error` is followed by `response.failed`, since clients of this API wait for that one.
    func rewrittenError(_ event: UnsafeRawBufferPointer, problem: UpstreamProblem, into buffer: inout ByteBuffer) -> Bool {
        buffer.writeBytes(event)
        if !self.isFailedEvent { self.failed(message: problem.message, code: problem.code ?? "server_error", into: &buffer) }
        return true
    }

    func annotatedUsage(_ event: UnsafeRawBufferPointer, note: String, into buffer: inout ByteBuffer) -> Bool { false }

    private func failed(message: String, code: String, into buffer: inout ByteBuffer) {
        self.sequence += 1
        var json: [UInt8] = []
        json.append(text: "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":\(self.sequence),\"response\":{\"id\":")
        json.append(jsonString: self.facts.upstreamID ?? "resp_unknown")
        json.append(text: ",\"object\":\"response\",\"created_at\":0,\"status\":\"failed\",\"model\":")
        json.append(jsonString: self.facts.model ?? "")
        json.append(
            text:
                ",\"output\":[],\"parallel_tool_calls\":true,\"tool_choice\":\"auto\",\"tools\":[],\"usage\":null,\"incomplete_details\":null,\"error\":{\"code\":"
        )
        json.append(jsonString: code)
        json.append(text: ",\"message\":")
        json.append(jsonString: message)
        json.append(text: "}}}\n\n")
        buffer.writeBytes(json)
    }
}

/// A `response.completed` that is too long to hold: of its end enough is kept to read the usage there.
private struct LongEnd {
    private static let kept = 4096

    private var tail: [UInt8] = []

    /// nil where the event is another one; its name and type stand at its beginning.
    init?(_ first: UnsafeRawBufferPointer) {
        let head = UnsafeRawBufferPointer(rebasing: first.prefix(256))
        guard head.firstRange(of: "response.completed") != nil || head.firstRange(of: "response.incomplete") != nil else { return nil }
    }

    mutating func add(_ part: UnsafeRawBufferPointer) {
        self.tail += part.suffix(LongEnd.kept)
        self.tail.removeFirst(max(0, self.tail.count - LongEnd.kept))
    }

    /// nil where it stands further from the end, or nowhere.
    var usage: ReportedUsage? {
        self.tail.withUnsafeBytes { bytes in
            var found: ReportedUsage?
            var start = 0
            while let name = bytes.firstRange(of: "\"usage\":", from: start) {
                start = name.upperBound
                var cursor = JSONCursor(bytes, at: start, isLenient: true)
                if let usage = try? ResponsesUsage.read(&cursor) { found = usage.usage }
            }
            return found
        }
    }
}

/// One event of a responses stream.
private struct ResponsesEvent {
    var facts: AnswerFacts
    var type: String?
    var sequence: Int?
    var deltaBytes = 0
    var flat = ErrorFields()
    var problem: UpstreamProblem?
    var responseProblem: UpstreamProblem?

    init(facts: AnswerFacts) {
        self.facts = facts
    }

    mutating func read(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) {
        if key.says("type") {
            self.type = try cursor.string()?.decoded
        } else if key.says("sequence_number") {
            self.sequence = try cursor.integer()
        } else if key.says("delta") {
            self.deltaBytes = try cursor.string()?.bytes.count ?? 0
        } else if key.says("response") {
            var body = ResponseBody(facts: self.facts)
            try body.read(&cursor)
            self.facts = body.facts
            self.responseProblem = body.problem
        } else if key.says("error") {
            self.problem = try UpstreamProblem.read(&cursor)
        } else if key.says("message") || key.says("code") {
            try self.flat.read(key, &cursor)
        } else {
            try cursor.value()
        }
    }
}

/// The response object, inside an event or as a whole answer.
struct ResponseBody {
    var facts: AnswerFacts
    private(set) var problem: UpstreamProblem?
    private(set) var isResponse = false

    init(facts: AnswerFacts) {
        self.facts = facts
    }

    mutating func read(_ cursor: inout JSONCursor) throws(JSONFault) {
        guard cursor.peek() == UInt8(ascii: "{") else {
            try cursor.value()
            return
        }
        var body = self
        try cursor.members { key, cursor throws(JSONFault) in
            if key.says("id"), body.facts.upstreamID == nil {
                body.facts.upstreamID = try cursor.string()?.decoded
            } else if key.says("object") {
                body.isResponse = try cursor.string()?.says("response") ?? false
            } else if key.says("model") {
                if let model = try cursor.string() { body.facts.model = model.decoded }
            } else if key.says("service_tier") {
                if let tier = try cursor.string() { body.facts.tier = tier.decoded }
            } else if key.says("usage") {
                if let (usage, cost) = try ResponsesUsage.read(&cursor) {
                    body.facts.usage = usage
                    body.facts.providerCost = cost ?? body.facts.providerCost
                }
            } else if key.says("error") {
                body.problem = try UpstreamProblem.read(&cursor)
            } else if key.says("output") {
                body.facts.textBytes = max(body.facts.textBytes, 0)
                try cursor.value()
            } else {
                try cursor.value()
            }
        }
        self = body
    }
}

/// `usage` of the Responses API: cached and written tokens inside the input, reasoning inside the output.
enum ResponsesUsage {
    static func read(_ cursor: inout JSONCursor) throws(JSONFault) -> (usage: ReportedUsage, cost: Money?)? {
        guard cursor.peek() == UInt8(ascii: "{") else {
            try cursor.value()
            return nil
        }
        var counts = UsageCounts()
        var reported = ReportedCost()
        var input = 0
        var output = 0
        var total: Int?
        var cached = 0
        var written = 0
        var reasoning = 0
        try cursor.members { key, cursor throws(JSONFault) in
            if key.says("input_tokens") {
                input = try counts.read(&cursor) ?? 0
            } else if key.says("output_tokens") {
                output = try counts.read(&cursor) ?? 0
            } else if key.says("total_tokens") {
                total = try counts.read(&cursor)
            } else if key.says("input_tokens_details") || key.says("output_tokens_details"), cursor.peek() == UInt8(ascii: "{") {
                try cursor.members { key, cursor throws(JSONFault) in
                    if key.says("cached_tokens") {
                        cached = try counts.read(&cursor) ?? 0
                    } else if key.says("cache_write_tokens") {
                        written = try counts.read(&cursor) ?? 0
                    } else if key.says("reasoning_tokens") {
                        reasoning = try counts.read(&cursor) ?? 0
                    } else {
                        try cursor.value()
                    }
                }
            } else if try !reported.read(key, &cursor) {
                try cursor.value()
            }
        }
        guard counts.isGiven else { return nil }
        let addsUp = (total.map { $0 == input + output } ?? true) && cached + written <= input && reasoning <= output
        let (rest, text) = (input - cached - written, output - reasoning)
        // What cannot be is kept as it was said.
        var usage = TokenUsage(
            input: counts.isAbsurd ? rest : max(0, rest), cachedInput: cached, output: counts.isAbsurd ? text : max(0, text), reasoning: reasoning)
        usage.cacheWrite5m = written
        return (ReportedUsage(usage: usage, addsUp: addsUp, isAbsurd: counts.isAbsurd), reported.amount)
    }
}
