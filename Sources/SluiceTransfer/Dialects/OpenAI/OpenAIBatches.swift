package import NIOCore
package import SluiceCore
package import SluiceDispatch
import SluiceWire

/// OpenAI's Batch API: a file of requests, a batch over it, and two files of results.
package struct OpenAIBatches: BatchDialect {
    private static let boundary = "sluice-requests-4f1b7c"
    private static let pageSize = 100

    package init() {}

    package var usesFiles: Bool { true }

    package func append(_ body: ByteBuffer, customID: String, endpoint: Endpoint, to requests: inout ByteBuffer) {
        requests.writeString("{\"custom_id\":\"\(customID)\",\"method\":\"POST\",\"url\":\"\(endpoint.path)\",\"body\":")
        requests.writeImmutableBuffer(body)
        requests.writeString("}\n")
    }

    package func upload(_ requests: ByteBuffer, of bundle: Bundle) -> BatchCall {
        let boundary = OpenAIBatches.boundary
        var body = ByteBuffer()
        body.reserveCapacity(requests.readableBytes + 512)
        body.writeString("--\(boundary)\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--\(boundary)\r\n")
        body.writeString("content-disposition: form-data; name=\"file\"; filename=\"\(bundle.fileName)\"\r\ncontent-type: application/jsonl\r\n\r\n")
        body.writeImmutableBuffer(requests)
        body.writeString("\r\n--\(boundary)--\r\n")
        return BatchCall(.post, "/v1/files", fields: "content-type: multipart/form-data; boundary=\(boundary)\r\n", body: body)
    }

    package func create(_ bundle: Bundle, requests: ByteBuffer) -> BatchCall {
        var json = JSONFields(capacity: 256)
        json.add("input_file_id", bundle.file)
        json.add("endpoint", bundle.endpoint.path)
        json.add("completion_window", "24h")
        json.add("metadata", ["sluice": bundle.token])
        return BatchCall(.post, "/v1/batches", fields: "content-type: application/json\r\n", body: ByteBuffer(bytes: json.object))
    }

    package func look(at batch: String) -> BatchCall { BatchCall(.get, "/v1/batches/\(batch)") }
    package func cancel(_ batch: String) -> BatchCall { BatchCall(.post, "/v1/batches/\(batch)/cancel", fields: "content-type: application/json\r\n") }

    package func listFiles(after: String?) -> BatchCall {
        BatchCall(.get, "/v1/files?purpose=batch&order=desc&limit=\(OpenAIBatches.pageSize)\(after.map { "&after=\($0)" } ?? "")")
    }

    package func listBatches(after: String?) -> BatchCall {
        BatchCall(.get, "/v1/batches?limit=\(OpenAIBatches.pageSize)\(after.map { "&after=\($0)" } ?? "")")
    }

    package func results(of batch: UpstreamBatch) -> [BatchCall] { batch.files.map { BatchCall(.get, "/v1/files/\($0)/content") } }
    package func leftovers(of batch: UpstreamBatch?, _ bundle: Bundle) -> [String] { (bundle.file.map { [$0] } ?? []) + (batch?.files ?? []) }
    package func delete(_ leftover: String) -> BatchCall { BatchCall(.delete, "/v1/files/\(leftover)") }

    // MARK: Reading

    package func readFile(_ body: ByteBuffer) -> String? {
        var file = FileFields()
        return body.readMembers { key, cursor throws(JSONFault) in try file.read(key, &cursor) } ? file.id : nil
    }

    package func readFiles(_ body: ByteBuffer) -> UpstreamPage<UpstreamFile>? {
        var files: [UpstreamFile] = []
        let hasMore = body.readPage { cursor throws(JSONFault) in
            var file = FileFields()
            try cursor.members { key, cursor throws(JSONFault) in try file.read(key, &cursor) }
            if let id = file.id { files.append(UpstreamFile(id: id, name: file.name, created: file.created)) }
        }
        return hasMore.map { UpstreamPage(data: files, next: $0 ? files.last?.id : nil) }
    }

    package func readBatch(_ body: ByteBuffer) -> UpstreamBatch? {
        var batch = BatchFields()
        return body.readMembers { key, cursor throws(JSONFault) in try batch.read(key, &cursor) } ? batch.batch : nil
    }

    package func readBatches(_ body: ByteBuffer) -> UpstreamPage<UpstreamBatch>? {
        var batches: [UpstreamBatch] = []
        let hasMore = body.readPage { cursor throws(JSONFault) in
            var fields = BatchFields()
            try cursor.members { key, cursor throws(JSONFault) in try fields.read(key, &cursor) }
            if let batch = fields.batch { batches.append(batch) }
        }
        return hasMore.map { UpstreamPage(data: batches, next: $0 ? batches.last?.id : nil) }
    }

    package func readLine(_ line: ByteBuffer) -> UpstreamLine? {
        var (customID, status, body): (String?, Int?, Range<Int>?) = (nil, nil, nil)
        var problem: String?
        let isWhole = line.readMembers { key, cursor throws(JSONFault) in
            if key.says("custom_id") {
                customID = try cursor.string()?.decoded
            } else if key.says("response"), cursor.peek() == UInt8(ascii: "{") {
                try cursor.members { key, cursor throws(JSONFault) in
                    if key.says("status_code") {
                        status = try cursor.integer()
                    } else {
                        let range = try cursor.value()
                        if key.says("body") { body = range }
                    }
                }
            } else if key.says("error"), cursor.peek() == UInt8(ascii: "{") {
                try cursor.members { key, cursor throws(JSONFault) in
                    if key.says("code") { problem = try cursor.string()?.decoded } else { try cursor.value() }
                }
                problem = problem ?? "error"
            } else {
                try cursor.value()
            }
        }
        guard isWhole, let customID else { return nil }
        if let status, let body, let answer = line.slice(of: body) { return UpstreamLine(customID: customID, kind: .answered(status: status, body: answer)) }
        return UpstreamLine(customID: customID, kind: .notRun(problem ?? "no answer"))
    }
}

private struct FileFields {
    var id: String?
    var name = ""
    var created: Timestamp?

    mutating func read(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) {
        if key.says("id") {
            self.id = try cursor.string()?.decoded
        } else if key.says("filename") {
            self.name = try cursor.string()?.decoded ?? ""
        } else if key.says("created_at") {
            self.created = try cursor.unixTime()
        } else {
            try cursor.value()
        }
    }
}

private struct BatchFields {
    private var id: String?
    private var status = ""
    private var token: String?
    private var requests: Int?
    private var created: Timestamp?
    private var files: [String] = []
    private var problem: String?

    var batch: UpstreamBatch? {
        guard let id, !self.status.isEmpty else { return nil }
        let isEnded = ["completed", "expired", "cancelled", "failed"].contains(self.status)
        var batch = UpstreamBatch(id: id, status: self.status, isEnded: isEnded)
        batch.failure = self.status == "failed" ? self.problem ?? "the batch failed" : nil
        (batch.token, batch.requests, batch.created, batch.files) = (self.token, self.requests, self.created, self.files)
        return batch
    }

    mutating func read(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) {
        if key.says("id") {
            self.id = try cursor.string()?.decoded
        } else if key.says("status") {
            self.status = try cursor.string()?.decoded ?? ""
        } else if key.says("created_at") {
            self.created = try cursor.unixTime()
        } else if key.says("output_file_id") || key.says("error_file_id") {
            if let file = try cursor.string(), !file.isEmpty { self.files.append(file.decoded) }
        } else if key.says("metadata"), cursor.peek() == UInt8(ascii: "{") {
            try cursor.members { key, cursor throws(JSONFault) in
                if key.says("sluice") { self.token = try cursor.string()?.decoded } else { try cursor.value() }
            }
        } else if key.says("request_counts"), cursor.peek() == UInt8(ascii: "{") {
            try cursor.members { key, cursor throws(JSONFault) in
                if key.says("total") { self.requests = try cursor.integer() } else { try cursor.value() }
            }
        } else if key.says("errors"), cursor.peek() == UInt8(ascii: "{") {
            try cursor.members { key, cursor throws(JSONFault) in
                guard key.says("data"), cursor.peek() == UInt8(ascii: "[") else {
                    try cursor.value()
                    return
                }
                try cursor.elements { cursor throws(JSONFault) in
                    let problem = try UpstreamProblem.read(&cursor)
                    self.problem = self.problem ?? problem?.message
                }
            }
        } else {
            try cursor.value()
        }
    }
}
