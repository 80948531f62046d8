import SluiceCore

/// The file object of OpenAI's Files API.
enum FileBody {
    static func json(_ file: StoredFile) -> [UInt8] {
        self.json(id: file.id, bytes: file.bytes, created: file.created, expires: file.expires, name: file.name, purpose: file.purpose.rawValue)
    }

    /// An output or error file: a view of the batch's results as they stand.
    static func json(_ batch: Batch, _ side: BatchSide) -> [UInt8] {
        let isOutput = side == .output
        return self.json(
            id: isOutput ? batch.outputFile : batch.errorFile, bytes: isOutput ? batch.outputBytes : batch.errorBytes, created: batch.created,
            expires: batch.outputsExpire, name: self.name(batch, side), purpose: "batch_output")
    }

    static func name(_ batch: Batch, _ side: BatchSide) -> String { "\(batch.id)_\(side == .output ? "output" : "error").jsonl" }

    private static func json(id: String, bytes: Int, created: Timestamp, expires: Timestamp?, name: String, purpose: String) -> [UInt8] {
        var json = JSONFields(capacity: 256)
        json.add("id", id)
        json.add("object", "file")
        json.add("bytes", bytes)
        json.add("created_at", Int(created.seconds))
        json.add("expires_at", expires.map { Int($0.seconds) })
        json.add("filename", name)
        json.add("purpose", purpose)
        json.add("status", "processed")
        json.add("status_details", String?.none)
        return json.object
    }
}
