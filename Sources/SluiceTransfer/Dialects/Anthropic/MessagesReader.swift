import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceWire

/// Reads the stream of `/v1/messages`: named events whose usage comes in `message_start` and, as running totals, in `message_delta`.
final class MessagesReader: StreamReader {
    private(set) var facts = AnswerFacts()
    private var usage = MessagesUsage()

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
        // `[DONE]` is no event of this API; some servers send it all the same, and it must not look like an end that was not there.
        guard data.first == UInt8(ascii: "{") else { return EventReading(data.isDone ? .end : .neutral) }
        var parsed = MessagesEvent(facts: self.facts, usage: self.usage)
        var cursor = JSONCursor(data, isLenient: true)
        do throws(JSONFault) {
            try cursor.members { key, cursor throws(JSONFault) in try parsed.read(key, &cursor) }
            try cursor.end()
        } catch {
            return EventReading(.error(UpstreamProblem(message: "an event is no JSON", type: nil, code: nil)))
        }
        self.facts = parsed.facts
        self.usage = parsed.usage
        self.facts.usage = self.usage.disjoint
        switch parsed.type {
        case "message_start", "ping", "content_block_start":
            return EventReading(.neutral)
        case "message_stop":
            self.facts.isEnded = true
            return EventReading(.end)
        case "error":
            return EventReading(.error(parsed.problem ?? UpstreamProblem(message: "", type: nil, code: nil)))
        case "content_block_delta":
            self.facts.tokens += 1
            self.facts.textBytes += parsed.textBytes
            return EventReading(.content, hasToken: true)
        default:
            if let problem = parsed.problem { return EventReading(.error(problem)) }
            return EventReading(.content)
        }
    }

    func readOversize(_ part: UnsafeRawBufferPointer, _ place: OversizePlace) -> EventReading {
        if place == .first { self.facts.tokens += 1 }
        return EventReading(.content, hasToken: true)
    }

    func errorEvent(_ refusal: Refusal, into buffer: inout ByteBuffer) {
        buffer.writeBytes(ErrorBody.anthropicEvent(refusal))
    }

    func rewrittenError(_ event: UnsafeRawBufferPointer, problem: UpstreamProblem, into buffer: inout ByteBuffer) -> Bool {
        // Only what is an error event in form can be passed as it came.
        let lines = EventLines(event)
        if lines.isError, lines.data?.first == UInt8(ascii: "{"), problem.type != nil { return false }
        buffer.writeBytes(ErrorBody.anthropicEvent(Refusal(problem.status, .upstreamFailed, problem.message)))
        return true
    }

    func annotatedUsage(_ event: UnsafeRawBufferPointer, note: String, into buffer: inout ByteBuffer) -> Bool { false }
}

/// One event of a messages stream.
private struct MessagesEvent {
    var facts: AnswerFacts
    var usage: MessagesUsage
    var type: String?
    var problem: UpstreamProblem?
    var textBytes = 0

    mutating func read(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) {
        if key.says("type") {
            self.type = try cursor.string()?.decoded
        } else if key.says("message") {
            var body = MessageBody(facts: self.facts, usage: self.usage)
            try body.read(&cursor)
            self.facts = body.facts
            self.usage = body.usage
        } else if key.says("usage") {
            try self.usage.read(&cursor)
            if let tier = self.usage.tier { self.facts.tier = tier }
        } else if key.says("delta"), cursor.peek() == UInt8(ascii: "{") {
            var bytes = 0
            try cursor.members { key, cursor throws(JSONFault) in
                if key.says("text") || key.says("thinking") || key.says("partial_json") {
                    bytes += try cursor.string()?.bytes.count ?? 0
                } else {
                    try cursor.value()
                }
            }
            self.textBytes = bytes
        } else if key.says("error") {
            self.problem = try UpstreamProblem.read(&cursor)
        } else {
            try cursor.value()
        }
    }
}

/// The message object, inside `message_start` or as a whole answer.
struct MessageBody {
    var facts: AnswerFacts
    var usage: MessagesUsage

    mutating func read(_ cursor: inout JSONCursor) throws(JSONFault) {
        guard cursor.peek() == UInt8(ascii: "{") else {
            try cursor.value()
            return
        }
        var body = self
        try cursor.members { key, cursor throws(JSONFault) in try body.member(key, &cursor) }
        self = body
    }

    mutating func member(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) {
        if key.says("id") {
            self.facts.upstreamID = try cursor.string()?.decoded
        } else if key.says("model") {
            self.facts.model = try cursor.string()?.decoded
        } else if key.says("usage") {
            try self.usage.read(&cursor)
            if let tier = self.usage.tier { self.facts.tier = tier }
        } else if key.says("content") {
            try self.content(&cursor)
        } else {
            try cursor.value()
        }
    }

    private mutating func content(_ cursor: inout JSONCursor) throws(JSONFault) {
        guard cursor.peek() == UInt8(ascii: "[") else {
            try cursor.value()
            return
        }
        var bytes = 0
        try cursor.elements { cursor throws(JSONFault) in
            guard cursor.peek() == UInt8(ascii: "{") else {
                try cursor.value()
                return
            }
            try cursor.members { key, cursor throws(JSONFault) in
                if key.says("text") || key.says("thinking") { bytes += try cursor.string()?.bytes.count ?? 0 } else { try cursor.value() }
            }
        }
        self.facts.textBytes += bytes
    }
}

/// `usage` of the Messages API: input excludes what was read from and written to the cache; later totals replace earlier ones, field by
/// field, so that repeated running totals are counted once. A 0 behind a count takes nothing back.
struct MessagesUsage {
    private var counts = UsageCounts()
    private var input: Int?
    private var cacheRead: Int?
    private var cacheWrite: Int?
    private var write5m: Int?
    private var write1h: Int?
    private var output: Int?
    private(set) var tier: String?

    init() {}

    mutating func read(_ cursor: inout JSONCursor) throws(JSONFault) {
        guard cursor.peek() == UInt8(ascii: "{") else {
            try cursor.value()
            return
        }
        var usage = self
        try cursor.members { key, cursor throws(JSONFault) in
            if key.says("input_tokens") {
                usage.input = try usage.counts.read(&cursor, after: usage.input)
            } else if key.says("cache_read_input_tokens") {
                usage.cacheRead = try usage.counts.read(&cursor, after: usage.cacheRead)
            } else if key.says("cache_creation_input_tokens") {
                usage.cacheWrite = try usage.counts.read(&cursor, after: usage.cacheWrite)
            } else if key.says("output_tokens") {
                usage.output = try usage.counts.read(&cursor, after: usage.output)
            } else if key.says("service_tier") {
                usage.tier = try cursor.string()?.decoded ?? usage.tier
            } else if key.says("cache_creation"), cursor.peek() == UInt8(ascii: "{") {
                try cursor.members { key, cursor throws(JSONFault) in
                    if key.says("ephemeral_5m_input_tokens") {
                        usage.write5m = try usage.counts.read(&cursor, after: usage.write5m)
                    } else if key.says("ephemeral_1h_input_tokens") {
                        usage.write1h = try usage.counts.read(&cursor, after: usage.write1h)
                    } else {
                        try cursor.value()
                    }
                }
            } else {
                try cursor.value()
            }
        }
        self = usage
    }

    /// nil where no count came at all. A write without a split is a 5-minute write.
    var disjoint: ReportedUsage? {
        guard self.counts.isGiven else { return nil }
        var usage = TokenUsage.zero
        usage.input = self.input ?? 0
        usage.cachedInput = self.cacheRead ?? 0
        usage.output = self.output ?? 0
        var addsUp = true
        if self.write5m != nil || self.write1h != nil {
            usage.cacheWrite5m = self.write5m ?? 0
            usage.cacheWrite1h = self.write1h ?? 0
            if let sum = self.cacheWrite { addsUp = sum == usage.cacheWrite5m + usage.cacheWrite1h }
        } else {
            usage.cacheWrite5m = self.cacheWrite ?? 0
        }
        return ReportedUsage(usage: usage, addsUp: addsUp, isAbsurd: self.counts.isAbsurd)
    }
}
