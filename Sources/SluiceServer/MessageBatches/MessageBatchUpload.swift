import Hummingbird
import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceWire

/// The entries of a message batch on their way to disk: each is checked as it comes, and becomes a line of a file of the batch's own.
struct MessageBatchUpload {
    static let most = 256 << 20
    private static let mostEntries = 100_000
    private static let piece = 256 << 10

    private let receipt: any FileReceipt
    private let files: any FileStore
    private var unwritten: [UInt8] = []
    private var ids: Set<String> = []
    private(set) var count = 0

    static func read(_ request: Request, into files: any FileStore, id: String) async throws -> MessageBatchUpload {
        let tooLarge = Refusal(413, .requestTooLarge, "the body is larger than 256 MB")
        if request.announcedLength ?? 0 > MessageBatchUpload.most { throw tooLarge }
        var upload = MessageBatchUpload(receipt: try await reading { try files.receive(id) }, files: files)
        var splitter = MessageBatchSplitter()
        var bytes = 0
        do {
            for try await piece in request.body {
                bytes += piece.readableBytes
                guard bytes <= MessageBatchUpload.most else { throw tooLarge }
                try splitter.read(piece.readableBytesView) { try upload.take($0) }
                if upload.unwritten.count >= MessageBatchUpload.piece { try await upload.write() }
            }
            try splitter.finish()
            guard upload.count > 0 else { throw Refusal.invalid("requests: List should have at least 1 item", param: "requests") }
            try await upload.write()
            return upload
        } catch {
            upload.receipt.discard()
            throw error
        }
    }

    private init(receipt: any FileReceipt, files: any FileStore) {
        self.receipt = receipt
        self.files = files
    }

    private mutating func take(_ entry: [UInt8]) throws(Refusal) {
        let place = "requests.\(self.count)"
        guard self.count < MessageBatchUpload.mostEntries else { throw Refusal.invalid("requests: List should have at most 100000 items", param: "requests") }
        let result = entry.withUnsafeBytes { bytes -> Result<String, Refusal> in
            do throws(Refusal) { return .success(try MessageBatchUpload.check(bytes, place)) } catch { return .failure(error) }
        }
        let id = try result.get()
        guard self.ids.insert(id).inserted else {
            throw .invalid("\(place).custom_id: the id \(id.quotedForMessage) is there twice", param: "\(place).custom_id")
        }
        self.count += 1
        self.unwritten += entry
        self.unwritten.append(0x0A)
    }

    /// Gives the entry's id.
    private static func check(_ bytes: UnsafeRawBufferPointer, _ place: String) throws(Refusal) -> String {
        let fields: BatchLineFields
        do throws(BatchFault) {
            fields = try BatchLineFields(bytes, endpoint: .messages)
        } catch {
            let param = [place, error.param].compactMap { $0 }.joined(separator: ".")
            throw .invalid("\(param): \(error.message)", param: param)
        }
        guard (1...64).contains(fields.customID.utf8.count), fields.customID.utf8.allSatisfy(self.isWord) else {
            throw .invalid("\(place).custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'", param: "\(place).custom_id")
        }
        let body = UnsafeRawBufferPointer(rebasing: bytes[fields.body])
        let request: RequestFields
        do throws(Refusal) {
            request = try RequestFields(body, endpoint: .messages)
        } catch {
            let param = ["\(place).params", error.param].compactMap { $0 }.joined(separator: ".")
            throw .invalid("\(param): \(error.message)", param: param)
        }
        guard !request.isStream else { throw .invalid("\(place).params.stream: an entry of a batch cannot be streamed", param: "\(place).params.stream") }
        guard request.maxTokens ?? 0 >= 1 else {
            throw .invalid("\(place).params.max_tokens: Input should be greater than or equal to 1", param: "\(place).params.max_tokens")
        }
        return fields.customID
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), 0x5F, 0x2D: true
        default: false
        }
    }

    private mutating func write() async throws {
        let (receipt, bytes) = (self.receipt, self.unwritten)
        self.unwritten = []
        try await reading { try bytes.withUnsafeBytes { try receipt.append($0) } }
    }

    var fingerprint: [UInt8] { IdempotencyDesk.fingerprint("POST", "/v1/messages/batches", ByteBuffer(bytes: self.receipt.sha256)) }

    func store(id: String, tenant: String, at now: Timestamp) async throws {
        let (files, receipt) = (self.files, self.receipt)
        let file = StoredFile(
            id: id, tenant: tenant, purpose: .messageBatch, name: "requests.jsonl", bytes: receipt.bytes, sha256: receipt.sha256, created: now, expires: nil)
        try await writing { files.add(file, receipt, then: $0) }
    }

    func discard() { self.receipt.discard() }
}
