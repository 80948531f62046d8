package import SluiceCore

/// The top-level fields of a request body that routing needs, with their places in the bytes; everything else is only checked and
/// passes through untouched.
package struct RequestFields: Sendable {
    /// One top-level member, for splicing.
    package struct Member: Sendable {
        package let name: Range<Int>
        package let value: Range<Int>
    }

    /// A member that not every backend may see.
    package enum Control: Int, Sendable, CaseIterable {
        case serviceTier, background, backgroundOptions, priority, apiKey, baseURL, apiBase, sluice

        fileprivate var name: StaticString {
            switch self {
            case .serviceTier: "service_tier"
            case .background: "background"
            case .backgroundOptions: "background_options"
            case .priority: "priority"
            case .apiKey: "api_key"
            case .baseURL: "base_url"
            case .apiBase: "api_base"
            case .sluice: "sluice"
            }
        }
    }

    /// What `stream_options` says.
    package enum StreamOptions: Sendable {
        case absent
        case null(Range<Int>)
        /// The place behind the opening brace, whether the object is empty, and the value of `include_usage`.
        case object(start: Int, isEmpty: Bool, includeUsage: Range<Int>?)
    }

    package private(set) var model = ""
    package private(set) var modelRange = 0..<0
    package private(set) var isStream = false
    package private(set) var streamOptions = StreamOptions.absent
    package private(set) var wantsUsage = false
    package private(set) var maxTokens: Int?
    package private(set) var choices = 1
    package private(set) var serviceTier: String?
    package private(set) var isBackground = false
    /// `background_options.completion_window`.
    package private(set) var completionWindow: String?
    /// `sluice.max_cost`: what a batch line may cost.
    package private(set) var maxCost: Money?
    package private(set) var metadata: [String: String] = [:]
    /// Bytes of the members that make up the prompt.
    package private(set) var promptBytes = 0
    /// The prompt's own beginning: messages, input or prompt.
    package private(set) var promptRange: Range<Int>?
    package private(set) var hasMedia = false
    /// `messages` is an array of at least one.
    private var hasMessages = false
    package private(set) var members: [Member] = []
    /// Indices into ``members``.
    package private(set) var controls: [(control: Control, member: Int)] = []

    package init() {}

    /// Reads a whole body.
    ///
    /// - Throws: A 400 that names the field.
    package init(_ bytes: UnsafeRawBufferPointer, endpoint: Endpoint) throws(Refusal) {
        self.init()
        var cursor = JSONCursor(bytes)
        // UTF-8 with a mark is no JSON (RFC 8259, 8.1), and an own word says so better than «a value is malformed».
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { throw .invalid("the body begins with a byte order mark") }
        guard let first = cursor.peek() else { throw .invalid("the body is empty; send a JSON object") }
        guard first == UInt8(ascii: "{") else { throw .invalid("the body is no JSON object") }
        var reader = Reader(fields: RequestFields(), endpoint: endpoint, isStreamable: endpoint != .embeddings && endpoint != .countTokens)
        // Most bodies have a few members: grown one by one the room for them is allocated three times.
        reader.fields.members.reserveCapacity(8)
        do {
            try cursor.members { key, cursor throws(JSONFault) in try reader.member(key, &cursor) }
            try cursor.end()
        } catch {
            throw .invalid("the body is no valid JSON: \(error.reason) at byte \(error.offset)")
        }
        if let refusal = reader.refusal { throw refusal }
        guard reader.hasModel else { throw .invalid("`model` is missing; name the model that you want", param: "model") }
        // Not copied, since all its texts would be retained.
        swap(&self, &reader.fields)
    }

    /// Whether a request to this endpoint has something to answer. What stands in its messages is the backend's business.
    package func checkMessages(_ endpoint: Endpoint) throws(Refusal) {
        switch endpoint {
        case .chat, .messages, .countTokens:
            guard self.hasMessages else { throw .invalid("`messages` must be an array of at least one message", param: "messages") }
        case .completions, .embeddings, .responses: break
        }
    }

    /// Reads member by member; the first refusal is kept, since a fault of the JSON itself behind it matters more.
    private struct Reader {
        var fields: RequestFields
        let endpoint: Endpoint
        let isStreamable: Bool
        var hasModel = false
        var refusal: Refusal?
        private var seen: Set<String> = []

        init(fields: RequestFields, endpoint: Endpoint, isStreamable: Bool) {
            self.fields = fields
            self.endpoint = endpoint
            self.isStreamable = isStreamable
        }

        mutating func member(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) {
            let start = cursor.position
            if self.isDuplicate(key, in: cursor.bytes) { self.refuse("stands twice in the body", key) }
            try self.read(key, &cursor)
            var value = JSONCursor(cursor.bytes, at: start)
            value.skipSpace()
            self.fields.members.append(Member(name: key.range.lowerBound - 1..<key.range.upperBound + 1, value: value.position..<cursor.position))
        }

        private mutating func refuse(_ what: String, _ key: JSONText) {
            guard self.refusal == nil else { return }
            let name = key.decoded
            self.refusal = .invalid("\(name.quotedForMessage) \(what)", param: name.count <= 60 ? name : nil)
        }

        /// Names are compared after their escapes are resolved; a few by their bytes, many by a set.
        private mutating func isDuplicate(_ key: JSONText, in bytes: UnsafeRawBufferPointer) -> Bool {
            if self.seen.isEmpty, self.fields.members.count < 24, !key.hasEscapes {
                return self.fields.members.contains { member in
                    member.name.count == key.range.count + 2
                        && (0..<key.range.count).allSatisfy { bytes[member.name.lowerBound + 1 + $0] == bytes[key.range.lowerBound + $0] }
                }
            }
            if self.seen.isEmpty {
                for member in self.fields.members {
                    var cursor = JSONCursor(bytes, at: member.name.lowerBound)
                    if let name = try? cursor.string() { self.seen.insert(name.decoded) }
                }
            }
            return !self.seen.insert(key.decoded).inserted
        }

        private mutating func read(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) {
            if key.says("model") {
                try self.model(key, &cursor)
            } else if key.says("messages") || key.says("input") || key.says("prompt") {
                let range = try self.prompt(&cursor)
                self.fields.promptRange = range
                if key.says("messages") { self.fields.hasMessages = cursor.bytes.holdsElements(range) }
            } else if key.says("system") || key.says("instructions") || key.says("tools") {
                _ = try self.prompt(&cursor)
            } else if key.says("stream"), self.isStreamable {
                guard try !cursor.null() else { return }
                guard let flag = try cursor.bool() else { return self.refuse("must be true or false", key) }
                self.fields.isStream = flag
            } else if key.says("stream_options"), self.endpoint == .chat || self.endpoint == .completions {
                try self.streamOptions(key, &cursor)
            } else if key.says("max_tokens") || key.says("max_completion_tokens") || key.says("max_output_tokens") {
                guard let number = try self.count(key, &cursor) else { return }
                self.fields.maxTokens = max(self.fields.maxTokens ?? 0, number)
            } else if key.says("n"), self.endpoint == .chat || self.endpoint == .completions {
                self.fields.choices = max(1, try self.count(key, &cursor) ?? 1)
            } else if key.says("metadata") {
                try self.metadata(key, &cursor)
            } else if let control = Control.allCases.first(where: { key.says($0.name) }) {
                self.fields.controls.append((control, self.fields.members.count))
                try self.control(control, key, &cursor)
            } else {
                try cursor.value()
            }
        }

        private mutating func model(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) {
            cursor.skipSpace()
            let start = cursor.position
            guard let text = try cursor.string() else { return self.refuse("must be a string that names a model", key) }
            let model = text.decoded
            guard !model.isEmpty, model.utf8.count <= 256, model.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                return self.refuse("must be a name of 1 to 256 bytes without control characters", key)
            }
            self.fields.model = model
            self.fields.modelRange = start..<cursor.position
            self.hasModel = true
        }

        private mutating func prompt(_ cursor: inout JSONCursor) throws(JSONFault) -> Range<Int> {
            let range = try cursor.value()
            self.fields.promptBytes += range.count
            return range
        }

        private mutating func count(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) -> Int? {
            guard try !cursor.null() else { return nil }
            guard let number = try cursor.integer(), (0...1_000_000_000).contains(number) else {
                self.refuse("must be a whole number, 0 or more", key)
                return nil
            }
            return number
        }

        private mutating func streamOptions(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) {
            let first = cursor.peek()
            let start = cursor.position
            if try cursor.null() {
                self.fields.streamOptions = .null(start..<cursor.position)
                return
            }
            guard first == UInt8(ascii: "{") else {
                try cursor.value()
                return self.refuse("must be an object", key)
            }
            var isEmpty = true
            var include: Range<Int>?
            var wants = false
            try cursor.members { key, cursor throws(JSONFault) in
                isEmpty = false
                cursor.skipSpace()
                let start = cursor.position
                guard key.says("include_usage") else {
                    try cursor.value()
                    return
                }
                wants = try cursor.bool() ?? false
                include = start..<cursor.position
            }
            self.fields.wantsUsage = wants
            self.fields.streamOptions = .object(start: start + 1, isEmpty: isEmpty, includeUsage: include)
        }

        /// String values only; others are the backend's business.
        private mutating func metadata(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) {
            guard try !cursor.null() else { return }
            guard cursor.peek() == UInt8(ascii: "{") else {
                try cursor.value()
                return self.refuse("must be an object", key)
            }
            var found: [String: String] = [:]
            try cursor.members { key, cursor throws(JSONFault) in
                guard let value = try cursor.string(), found.count < 64, key.bytes.count <= 128, value.bytes.count <= 1024 else { return }
                found[key.decoded] = value.decoded
            }
            self.fields.metadata = found
        }

        private mutating func control(_ control: Control, _ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) {
            switch control {
            case .serviceTier:
                guard try !cursor.null() else { return }
                guard let tier = try cursor.string() else { return self.refuse("must be a string", key) }
                self.fields.serviceTier = tier.decoded
            case .background:
                guard try !cursor.null() else { return }
                guard let flag = try cursor.bool() else { return self.refuse("must be true or false", key) }
                self.fields.isBackground = flag
            case .backgroundOptions:
                guard try !cursor.null() else { return }
                guard cursor.peek() == UInt8(ascii: "{") else {
                    try cursor.value()
                    return self.refuse("must be an object", key)
                }
                var window: String?
                var isText = true
                try cursor.members { key, cursor throws(JSONFault) in
                    guard try !cursor.null() else { return }
                    let value = try cursor.string()
                    guard key.says("completion_window") else { return }
                    window = value?.decoded
                    isText = value != nil
                }
                guard isText else { return self.refuse("must have a string as its `completion_window`", key) }
                self.fields.completionWindow = window
            case .sluice:
                try self.sluice(key, &cursor)
            case .priority, .apiKey, .baseURL, .apiBase:
                try cursor.value()
            }
        }

        private mutating func sluice(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) {
            guard try !cursor.null() else { return }
            guard cursor.peek() == UInt8(ascii: "{") else {
                try cursor.value()
                return self.refuse("must be an object", key)
            }
            var amount: String?
            try cursor.members { key, cursor throws(JSONFault) in
                let value = try cursor.value()
                if key.says("max_cost") { amount = cursor.text(of: value) }
            }
            guard let amount, amount != "null" else { return }
            self.fields.maxCost = Money(json: amount)
            if self.fields.maxCost == nil, self.refusal == nil {
                self.refusal = .invalid("`sluice.max_cost` must be an amount such as 2.50", param: "sluice.max_cost")
            }
        }
    }
}

extension RequestFields {
    /// A hash over the first tokens of the prompt, of four bytes each: requests that begin alike for longer share it. FNV-1a, the same on every machine.
    package func prefixHash(in bytes: UnsafeRawBufferPointer, tokens: Int = 128) -> UInt64 {
        guard let prompt = self.promptRange else { return 0 }
        return bytes[prompt].prefix(tokens * 4).reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// Whether the prompt holds parts whose tokens cannot be told from their bytes. Looked for only when a bound is needed.
    package static func holdsMedia(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let marks: [StaticString] = ["\"image_url\"", "\"input_audio\"", "\"source\"", "\"file_id\"", "\"file\"", "\"video_url\""]
        return marks.contains { bytes.firstRange(of: $0) != nil }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the JSON value there is an array with something in it.
    fileprivate func holdsElements(_ range: Range<Int>) -> Bool {
        guard self[range.lowerBound] == UInt8(ascii: "[") else { return false }
        var inside = JSONCursor(self, at: range.lowerBound + 1)
        return inside.peek() != UInt8(ascii: "]")
    }
}
