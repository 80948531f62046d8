import SluiceCore
import SluiceWire

/// The body of a batch's creation.
struct BatchOrder {
    private(set) var file = ""
    private(set) var endpoint = Endpoint.chat
    private(set) var window = ""
    private(set) var metadata: [UInt8]?
    private(set) var tags: [String: String] = [:]
    private(set) var maxCost: Money?
    private(set) var onDeadline = Batch.OnDeadline.asTheClassSays
    private(set) var outputLife: Duration?

    /// - Throws: A 400 that names the field.
    init(_ body: [UInt8]) throws(Refusal) {
        var fields = ObjectFields()
        do throws(JSONFault) {
            fields = try ObjectFields(body)
        } catch {
            throw .invalid("the body is no valid JSON object: \(error.reason) at byte \(error.offset)")
        }
        self.file = try fields.text("input_file_id", or: "the id of an uploaded file")
        let path = try fields.text("endpoint", or: "`/v1/chat/completions`, `/v1/completions`, `/v1/embeddings` or `/v1/responses`")
        guard let endpoint = Endpoint(path: path), endpoint != .messages, endpoint != .countTokens else {
            throw .invalid("`endpoint` is \(path.quotedForMessage), which batches cannot use", param: "endpoint")
        }
        self.endpoint = endpoint
        self.window = try fields.text("completion_window", or: "a duration such as 24h")
        if let metadata = fields.value("metadata"), !metadata.isNull { try self.read(metadata) }
        if let life = fields.value("output_expires_after"), !life.isNull { try self.read(life: life) }
        if let sluice = fields.value("sluice"), !sluice.isNull { try self.read(sluice: sluice) }
    }

    private mutating func read(_ metadata: ObjectFields.Value) throws(Refusal) {
        guard let pairs = metadata.texts, pairs.count <= 16 else {
            throw .invalid("`metadata` must be an object of at most 16 strings", param: "metadata")
        }
        guard pairs.allSatisfy({ $0.key.unicodeScalars.count <= 64 && $0.value.unicodeScalars.count <= 512 }) else {
            throw .invalid("a name in `metadata` has at most 64 characters, a value 512", param: "metadata")
        }
        self.metadata = metadata.bytes
        self.tags = pairs
    }

    private mutating func read(life value: ObjectFields.Value) throws(Refusal) {
        guard let fields = try? ObjectFields(value.bytes) else {
            throw .invalid("`output_expires_after` must be an object of `anchor` and `seconds`", param: "output_expires_after")
        }
        guard fields.value("anchor")?.text == "created_at" else {
            throw .invalid("`output_expires_after.anchor` must be `created_at`", param: "output_expires_after.anchor")
        }
        guard let seconds = (fields.value("seconds")?.bytes).flatMap({ Int(String(decoding: $0, as: UTF8.self)) }), StoredFile.lives.contains(seconds) else {
            throw .invalid("`output_expires_after.seconds` must be a whole number from 3600 to 2592000", param: "output_expires_after.seconds")
        }
        self.outputLife = .seconds(seconds)
    }

    private mutating func read(sluice value: ObjectFields.Value) throws(Refusal) {
        guard let fields = try? ObjectFields(value.bytes) else { throw .invalid("`sluice` must be an object", param: "sluice") }
        if let cost = fields.value("max_cost"), !cost.isNull {
            guard let money = Money(json: String(decoding: cost.bytes, as: UTF8.self)) else {
                throw .invalid("`sluice.max_cost` must be an amount such as 2.50", param: "sluice.max_cost")
            }
            self.maxCost = money
        }
        if let word = fields.value("on_deadline"), !word.isNull {
            guard let onDeadline = word.text.flatMap({ Batch.OnDeadline($0) }) else {
                throw .invalid("`sluice.on_deadline` must be `promote` or `expire`", param: "sluice.on_deadline")
            }
            self.onDeadline = onDeadline
        }
    }

    /// When the batch's time is over.
    ///
    /// - Throws: A 400 where the window is no time from now on.
    func deadline(from now: Timestamp, zone: String) throws(Refusal) -> Timestamp {
        guard let instant = ClientWishes.Deadline(self.window)?.instant(after: now, zone: zone), instant > now,
            instant <= now + ClientWishes.Deadline.longest
        else {
            throw .invalid(
                "`completion_window` is \(self.window.quotedForMessage); write a duration such as 24h or 90m, at most ten years",
                param: "completion_window")
        }
        return instant
    }
}
