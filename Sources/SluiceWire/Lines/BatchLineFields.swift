package import SluiceCore

/// One line of a batch's input file: `{"custom_id":"…","method":"POST","url":"/v1/chat/completions","body":{…}}`, or an entry of a message
/// batch: `{"custom_id":"…","params":{…}}`.
package struct BatchLineFields: Sendable {
    package let customID: String
    /// The request's own bytes, inside the line.
    package let body: Range<Int>
    /// What its `url` names; nil where it has none.
    package let endpoint: Endpoint?

    /// Longer ones are refused; OpenAI demands only that they differ.
    private static let longestCustomID = 512

    /// - Parameter endpoint: What the batch is for; every line must be for the same. nil where no batch is known yet.
    /// - Throws: What is wrong with the line's shape. A model that is unknown is not: that concerns the line alone.
    package init(_ line: UnsafeRawBufferPointer, endpoint: Endpoint?) throws(BatchFault) {
        var reader = Reader(endpoint: endpoint)
        var cursor = JSONCursor(line)
        guard cursor.peek() == UInt8(ascii: "{") else { throw BatchFault(.invalidJSONLine, "the line is no JSON object") }
        do throws(JSONFault) {
            try cursor.members { key, cursor throws(JSONFault) in try reader.member(key, &cursor) }
            try cursor.end()
        } catch {
            throw BatchFault(.invalidJSONLine, "the line is no valid JSON: \(error.reason) at byte \(error.offset)")
        }
        (self.customID, self.body) = try reader.result()
        self.endpoint = reader.named
    }

    /// The request of this line, for one of the endpoints of batches.
    ///
    /// - Throws: What of the request's own shape is wrong.
    package func request(in line: UnsafeRawBufferPointer, for endpoint: Endpoint) throws(BatchFault) -> RequestFields {
        let name = endpoint == .messages ? "params" : "body"
        let fields: RequestFields
        do throws(Refusal) {
            fields = try RequestFields(UnsafeRawBufferPointer(rebasing: line[self.body]), endpoint: endpoint)
        } catch {
            let isMissing = error.param == "model" && error.message.contains("is missing")
            throw BatchFault(isMissing ? .missingRequiredParameter : .invalidBody, error.message, param: error.param.map { "\(name).\($0)" } ?? name)
        }
        guard !fields.isStream else { throw BatchFault(.invalidBody, "a line of a batch cannot be streamed; leave `stream` out", param: "\(name).stream") }
        return fields
    }

    /// Only finds the request of a line that was found good before; nil where it is none any more.
    package static func body(of line: UnsafeRawBufferPointer) -> Range<Int>? {
        var found: Range<Int>?
        var cursor = JSONCursor(line)
        try? cursor.members { key, cursor throws(JSONFault) in
            let range = try cursor.value()
            if key.says("body") || key.says("params") { found = range }
        }
        return found
    }

    private struct Reader {
        let endpoint: Endpoint?
        private(set) var named: Endpoint?
        private var customID: String?
        private var body: Range<Int>?
        private var fault: BatchFault?
        private var seen: Set<String> = []

        init(endpoint: Endpoint?) { self.endpoint = endpoint }

        private var bodyName: String { self.endpoint == .messages ? "params" : "body" }

        private mutating func refuse(_ code: BatchFault.Code, _ message: String, _ param: String) {
            if self.fault == nil { self.fault = BatchFault(code, message, param: param) }
        }

        mutating func member(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) {
            let name = key.decoded
            guard name == "custom_id" || name == "method" || name == "url" || name == self.bodyName else {
                try cursor.value()
                return
            }
            if !self.seen.insert(name).inserted { self.refuse(.invalidJSONLine, "`\(name)` stands twice in the line", name) }
            switch name {
            case "custom_id":
                guard let text = try cursor.string() else { return self.refuse(.missingRequiredParameter, "`custom_id` must be a string", name) }
                self.customID = text.decoded
            case "method":
                if try cursor.string()?.says("POST") != true { self.refuse(.invalidMethod, "`method` must be \"POST\"", name) }
            case "url":
                try self.url(&cursor)
            default:
                let isObject = cursor.peek() == UInt8(ascii: "{")
                self.body = try cursor.value()
                if !isObject { self.refuse(.invalidBody, "`\(name)` must be an object", name) }
            }
        }

        private mutating func url(_ cursor: inout JSONCursor) throws(JSONFault) {
            guard let url = try cursor.string()?.decoded, url.hasPrefix("/") else {
                return self.refuse(.invalidURL, "`url` must be a path such as `\((self.endpoint ?? .chat).path)`", "url")
            }
            // Azure's clients leave the version out.
            guard let named = Endpoint(path: url) ?? Endpoint(path: "/v1" + url) else {
                return self.refuse(.invalidURL, "`url` is \(url.quotedForMessage), which is no endpoint that batches can use", "url")
            }
            self.named = named
            if let endpoint = self.endpoint, named != endpoint {
                self.refuse(.urlMismatch, "`url` is not the batch's endpoint, `\(endpoint.path)`", "url")
            }
        }

        func result() throws(BatchFault) -> (String, Range<Int>) {
            if let fault = self.fault { throw fault }
            guard let customID, !customID.isEmpty else { throw BatchFault(.missingRequiredParameter, "`custom_id` is missing", param: "custom_id") }
            guard !customID.utf8.contains(0) else { throw BatchFault(.missingRequiredParameter, "`custom_id` has a NUL in it", param: "custom_id") }
            guard customID.utf8.count <= BatchLineFields.longestCustomID else {
                throw BatchFault(.missingRequiredParameter, "`custom_id` is longer than \(BatchLineFields.longestCustomID) bytes", param: "custom_id")
            }
            guard let body else { throw BatchFault(.missingRequiredParameter, "`\(self.bodyName)` is missing", param: self.bodyName) }
            return (customID, body)
        }
    }
}
