package import NIOCore
package import SluiceCore
package import SluiceDispatch
import SluiceWire

/// Anthropic's message batches: the requests go with the batch itself, and all results come once it has ended.
package struct AnthropicBatches: BatchDialect {
    private static let version = "anthropic-version: 2023-06-01\r\n"
    private static let pageSize = 100

    package init() {}

    package var usesFiles: Bool { false }

    package func append(_ body: ByteBuffer, customID: String, endpoint: Endpoint, to requests: inout ByteBuffer) {
        requests.writeString("\(requests.readableBytes == 0 ? "" : ",")\n{\"custom_id\":\"\(customID)\",\"params\":")
        requests.writeImmutableBuffer(body)
        requests.writeString("}")
    }

    package func upload(_ requests: ByteBuffer, of bundle: Bundle) -> BatchCall { self.create(bundle, requests: requests) }

    package func create(_ bundle: Bundle, requests: ByteBuffer) -> BatchCall {
        var body = ByteBuffer(string: "{\"requests\":[")
        body.writeImmutableBuffer(requests)
        body.writeString("]}")
        return self.call(.post, "", body: body)
    }

    package func look(at batch: String) -> BatchCall { self.call(.get, "/\(batch)") }
    package func cancel(_ batch: String) -> BatchCall { self.call(.post, "/\(batch)/cancel") }
    package func listFiles(after: String?) -> BatchCall { self.listBatches(after: after) }

    package func listBatches(after: String?) -> BatchCall {
        self.call(.get, "?limit=\(AnthropicBatches.pageSize)\(after.map { "&after_id=\($0)" } ?? "")")
    }

    package func results(of batch: UpstreamBatch) -> [BatchCall] { [self.call(.get, "/\(batch.id)/results")] }
    package func leftovers(of batch: UpstreamBatch?, _ bundle: Bundle) -> [String] { batch.map { [$0.id] } ?? [] }
    package func delete(_ leftover: String) -> BatchCall { self.call(.delete, "/\(leftover)") }

    private func call(_ method: UpstreamCall.Method, _ rest: String, body: ByteBuffer = ByteBuffer()) -> BatchCall {
        BatchCall(
            method, "/v1/messages/batches\(rest)", fields: AnthropicBatches.version + (method == .post ? "content-type: application/json\r\n" : ""), body: body)
    }

    // MARK: Reading

    package func readFile(_ body: ByteBuffer) -> String? { nil }
    package func readFiles(_ body: ByteBuffer) -> UpstreamPage<UpstreamFile>? { nil }

    package func readBatch(_ body: ByteBuffer) -> UpstreamBatch? {
        var batch = MessageBatchFields()
        return body.readMembers { key, cursor throws(JSONFault) in try batch.read(key, &cursor) } ? batch.batch : nil
    }

    package func readBatches(_ body: ByteBuffer) -> UpstreamPage<UpstreamBatch>? {
        var batches: [UpstreamBatch] = []
        let hasMore = body.readPage { cursor throws(JSONFault) in
            var fields = MessageBatchFields()
            try cursor.members { key, cursor throws(JSONFault) in try fields.read(key, &cursor) }
            if let batch = fields.batch { batches.append(batch) }
        }
        return hasMore.map { UpstreamPage(data: batches, next: $0 ? batches.last?.id : nil) }
    }

    package func readLine(_ line: ByteBuffer) -> UpstreamLine? {
        var customID: String?
        var result = MessageResult()
        let isWhole = line.readMembers { key, cursor throws(JSONFault) in
            if key.says("custom_id") {
                customID = try cursor.string()?.decoded
            } else if key.says("result"), cursor.peek() == UInt8(ascii: "{") {
                try cursor.members { key, cursor throws(JSONFault) in try result.read(key, &cursor) }
            } else {
                try cursor.value()
            }
        }
        guard isWhole, let customID else { return nil }
        if result.type == "succeeded", let body = result.message.flatMap({ line.slice(of: $0) }) {
            return UpstreamLine(customID: customID, kind: .answered(status: 200, body: body))
        }
        if result.type == "errored", let body = result.error.flatMap({ line.slice(of: $0) }) {
            return UpstreamLine(customID: customID, kind: .answered(status: result.status, body: body))
        }
        return UpstreamLine(customID: customID, kind: .notRun(result.type))
    }
}

private struct MessageBatchFields {
    private var id: String?
    private var status = ""
    private var created: Timestamp?
    private var requests = 0

    var batch: UpstreamBatch? {
        guard let id, !self.status.isEmpty else { return nil }
        var batch = UpstreamBatch(id: id, status: self.status, isEnded: self.status == "ended")
        batch.created = self.created
        batch.requests = self.requests
        return batch
    }

    mutating func read(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) {
        if key.says("id") {
            self.id = try cursor.string()?.decoded
        } else if key.says("processing_status") {
            self.status = try cursor.string()?.decoded ?? ""
        } else if key.says("created_at") {
            self.created = try cursor.string().flatMap { Timestamp(rfc3339: $0.decoded) }
        } else if key.says("request_counts"), cursor.peek() == UInt8(ascii: "{") {
            try cursor.members { _, cursor throws(JSONFault) in
                self.requests = self.requests.addingReportingOverflow(try cursor.integer() ?? 0).partialValue
            }
        } else {
            try cursor.value()
        }
    }
}

private struct MessageResult {
    var type = ""
    var message: Range<Int>?
    /// The whole error answer, as a request of its own would have got it.
    var error: Range<Int>?
    private var errorType: String?

    /// The status that a request of its own would have been answered with.
    var status: Int {
        switch self.errorType {
        case "invalid_request_error": 400
        case "authentication_error": 401
        case "permission_error": 403
        case "not_found_error": 404
        case "request_too_large": 413
        case "rate_limit_error": 429
        case "overloaded_error": 529
        default: 500
        }
    }

    mutating func read(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) {
        if key.says("type") {
            self.type = try cursor.string()?.decoded ?? ""
        } else if key.says("message") {
            self.message = try cursor.value()
        } else if key.says("error"), cursor.peek() == UInt8(ascii: "{") {
            var ahead = cursor
            self.error = try cursor.value()
            try ahead.members { key, cursor throws(JSONFault) in
                if key.says("error"), cursor.peek() == UInt8(ascii: "{") {
                    try cursor.members { key, cursor throws(JSONFault) in
                        if key.says("type") { self.errorType = try cursor.string()?.decoded } else { try cursor.value() }
                    }
                } else {
                    try cursor.value()
                }
            }
        } else {
            try cursor.value()
        }
    }
}
