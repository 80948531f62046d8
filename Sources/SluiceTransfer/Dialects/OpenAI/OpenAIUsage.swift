import SluiceCore
import SluiceDispatch
import SluiceWire

/// The `usage` of chat, completions and embeddings, as OpenAI defines it and as DeepSeek, Gemini, Groq, Moonshot, OpenRouter and vLLM bend it.
///
/// `prompt_tokens` includes cached, written, audio and image tokens; `completion_tokens` includes reasoning, except where the total says that it
/// stands beside it (Gemini).
struct OpenAIUsage {
    private var counts = UsageCounts()
    private var prompt: Int?
    private var completion: Int?
    private var total: Int?
    private var cached: Int?
    private var written = 0
    private var audioIn = 0
    private var imageIn = 0
    private var reasoning = 0
    private var audioOut = 0
    private var reported = ReportedCost()

    var cost: Money? { self.reported.amount }

    /// Reads the object; nil where it holds no count.
    static func read(_ cursor: inout JSONCursor) throws(JSONFault) -> OpenAIUsage? {
        guard cursor.peek() == UInt8(ascii: "{") else {
            try cursor.value()
            return nil
        }
        var usage = OpenAIUsage()
        try cursor.members { key, cursor throws(JSONFault) in try usage.read(key, &cursor) }
        return usage.counts.isGiven ? usage : nil
    }

    private mutating func read(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) {
        if key.says("prompt_tokens") {
            self.prompt = try self.counts.read(&cursor)
        } else if key.says("completion_tokens") {
            self.completion = try self.counts.read(&cursor)
        } else if key.says("total_tokens") {
            self.total = try self.counts.read(&cursor)
        } else if key.says("prompt_cache_hit_tokens") || key.says("cached_tokens") {
            // DeepSeek and Moonshot say the same twice; the details win where both are there.
            let hits = try self.counts.read(&cursor)
            if self.cached == nil { self.cached = hits }
        } else if key.says("prompt_tokens_details") {
            try self.details(&cursor, ofPrompt: true)
        } else if key.says("completion_tokens_details") {
            try self.details(&cursor, ofPrompt: false)
        } else if try !self.reported.read(key, &cursor) {
            try cursor.value()
        }
    }

    private mutating func details(_ cursor: inout JSONCursor, ofPrompt isPrompt: Bool) throws(JSONFault) {
        guard cursor.peek() == UInt8(ascii: "{") else {
            try cursor.value()
            return
        }
        var usage = self
        try cursor.members { key, cursor throws(JSONFault) in
            if isPrompt, key.says("cached_tokens") {
                usage.cached = try usage.counts.read(&cursor) ?? usage.cached
            } else if isPrompt, key.says("cache_write_tokens") || key.says("cache_creation_tokens") {
                usage.written = try usage.counts.read(&cursor) ?? 0
            } else if isPrompt, key.says("image_tokens") {
                usage.imageIn = try usage.counts.read(&cursor) ?? 0
            } else if isPrompt, key.says("audio_tokens") {
                usage.audioIn = try usage.counts.read(&cursor) ?? 0
            } else if !isPrompt, key.says("audio_tokens") {
                usage.audioOut = try usage.counts.read(&cursor) ?? 0
            } else if !isPrompt, key.says("reasoning_tokens") {
                usage.reasoning = try usage.counts.read(&cursor) ?? 0
            } else {
                try cursor.value()
            }
        }
        self = usage
    }

    /// The counts, each token in one class.
    var disjoint: ReportedUsage {
        let prompt = self.prompt ?? 0
        let cached = self.cached ?? 0
        var completion = self.completion ?? 0
        var addsUp = true
        if let total = self.total {
            if self.reasoning > 0, total == prompt + completion + self.reasoning {
                completion += self.reasoning
            } else if total != prompt + completion {
                addsUp = false
            }
        }
        let apart = cached + self.written + self.audioIn + self.imageIn
        if apart > prompt || self.reasoning + self.audioOut > completion { addsUp = false }
        var usage = TokenUsage.zero
        usage.input = self.counts.isAbsurd ? prompt - apart : max(0, prompt - apart)
        usage.cachedInput = cached
        usage.cacheWrite5m = self.written
        usage.audioInput = self.audioIn
        usage.imageInput = self.imageIn
        let written = completion - self.reasoning - self.audioOut
        usage.output = self.counts.isAbsurd ? written : max(0, written)
        usage.reasoning = self.reasoning
        usage.audioOutput = self.audioOut
        return ReportedUsage(usage: usage, addsUp: addsUp, isAbsurd: self.counts.isAbsurd)
    }
}

extension ReportedUsage {
    /// Whether all counts are 0.
    var isNothing: Bool { self.usage == .zero && !self.isAbsurd }

    /// llama.cpp named cached tokens in its timings before it did in its usage: the usage with those taken out of the prompt.
    func apart(by timings: ReportedUsage) -> ReportedUsage {
        let cached = timings.usage.cachedInput
        guard self.usage.cachedInput == 0, cached > 0, !timings.isAbsurd, self.usage.input == timings.usage.input + cached else { return self }
        var apart = self
        apart.usage.input -= cached
        apart.usage.cachedInput = cached
        return apart
    }
}

/// `timings` of llama.cpp's finish chunk: the counts where no usage was asked for.
struct LlamaTimings {
    static func read(_ cursor: inout JSONCursor) throws(JSONFault) -> ReportedUsage? {
        guard cursor.peek() == UInt8(ascii: "{") else {
            try cursor.value()
            return nil
        }
        var counts = UsageCounts()
        var usage = TokenUsage.zero
        var sawPrompt = false
        var sawOutput = false
        try cursor.members { key, cursor throws(JSONFault) in
            if key.says("cache_n") {
                usage.cachedInput = try counts.read(&cursor) ?? 0
            } else if key.says("prompt_n") {
                usage.input = try counts.read(&cursor) ?? 0
                sawPrompt = true
            } else if key.says("predicted_n") {
                usage.output = try counts.read(&cursor) ?? 0
                sawOutput = true
            } else {
                try cursor.value()
            }
        }
        guard sawPrompt, sawOutput else { return nil }
        return ReportedUsage(usage: usage, addsUp: true, isAbsurd: counts.isAbsurd)
    }
}
