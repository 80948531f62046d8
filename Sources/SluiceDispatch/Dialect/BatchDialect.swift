package import NIOCore
package import SluiceCore

/// How a provider's own batches are made, watched and read. Pure: it says what is to be sent, and what an answer means.
package protocol BatchDialect: Sendable {
    /// The requests go in a file of their own before the batch.
    var usesFiles: Bool { get }
    /// Appends one request to those of a bundle; `body` is a JSON object without line breaks.
    func append(_ body: ByteBuffer, customID: String, endpoint: Endpoint, to requests: inout ByteBuffer)

    func upload(_ requests: ByteBuffer, of bundle: Bundle) -> BatchCall
    func create(_ bundle: Bundle, requests: ByteBuffer) -> BatchCall
    func look(at batch: String) -> BatchCall
    func cancel(_ batch: String) -> BatchCall
    /// The newest first; `after` is the last id of the page before.
    func listFiles(after: String?) -> BatchCall
    func listBatches(after: String?) -> BatchCall
    /// Where the results of a batch that has ended are: JSON Lines each.
    func results(of batch: UpstreamBatch) -> [BatchCall]
    /// What is to be deleted once the results are stored.
    func leftovers(of batch: UpstreamBatch?, _ bundle: Bundle) -> [String]
    func delete(_ leftover: String) -> BatchCall

    /// The id of a file that was made; nil where the answer is none.
    func readFile(_ body: ByteBuffer) -> String?
    func readFiles(_ body: ByteBuffer) -> UpstreamPage<UpstreamFile>?
    func readBatch(_ body: ByteBuffer) -> UpstreamBatch?
    func readBatches(_ body: ByteBuffer) -> UpstreamPage<UpstreamBatch>?
    func readLine(_ line: ByteBuffer) -> UpstreamLine?
}

/// One call about batches, without the address and the key.
package struct BatchCall: Sendable {
    package var method: UpstreamCall.Method
    /// As `/v1/files`, with its query.
    package var resource: String
    package var fields: String
    package var body: ByteBuffer

    package init(_ method: UpstreamCall.Method, _ resource: String, fields: String = "", body: ByteBuffer = ByteBuffer()) {
        self.method = method
        self.resource = resource
        self.fields = fields
        self.body = body
    }
}

package struct UpstreamPage<Element: Sendable>: Sendable {
    package var data: [Element]
    /// What the next page comes after; nil on the last one.
    package var next: String?

    package init(data: [Element], next: String?) {
        self.data = data
        self.next = next
    }
}

package struct UpstreamFile: Sendable {
    package var id: String
    package var name: String
    package var created: Timestamp?

    package init(id: String, name: String, created: Timestamp?) {
        self.id = id
        self.name = name
        self.created = created
    }
}

/// What a provider says of a batch.
package struct UpstreamBatch: Sendable {
    package var id: String
    /// In the provider's word.
    package var status: String
    package var isEnded: Bool
    /// Nothing of it was run, for this reason.
    package var failure: String?
    /// Sluice's own name, where the provider keeps one.
    package var token: String?
    package var requests: Int?
    package var created: Timestamp?
    /// Files with results.
    package var files: [String] = []

    package init(id: String, status: String, isEnded: Bool) {
        self.id = id
        self.status = status
        self.isEnded = isEnded
    }
}

/// One line of a batch's results.
package struct UpstreamLine: Sendable {
    package enum Kind: Sendable {
        /// The backend answered, with an error status too.
        case answered(status: Int, body: ByteBuffer)
        /// It was not run, hence is not billed.
        case notRun(String)
    }

    package var customID: String
    package var kind: Kind

    package init(customID: String, kind: Kind) {
        self.customID = customID
        self.kind = kind
    }
}

extension LivePolicy.Upstream {
    /// A call about batches to this backend.
    package func call(_ call: BatchCall) -> UpstreamCall {
        var upstreamCall = UpstreamCall(
            url: self.url, path: self.url.path(of: call.resource), fields: self.fields, ownFields: Array(call.fields.utf8), body: call.body)
        upstreamCall.method = call.method
        upstreamCall.allowsPrivateAddresses = self.backend.isInternal
        upstreamCall.connectTimeout = .seconds(5)
        return upstreamCall
    }
}
