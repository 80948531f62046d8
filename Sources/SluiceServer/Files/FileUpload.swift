import Hummingbird
import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceWire

/// A form with a file, taken in part by part; the file's bytes go to disk as they come.
struct FileUpload {
    static let most = 200 << 20
    /// How much is collected before it is written.
    private static let piece = 256 << 10
    private static let longestField = 1024

    private let files: any FileStore
    private let receipt: any FileReceipt
    private var fields: [String: String] = [:]
    private var field: (name: String, value: [UInt8])?
    private var name: String?
    private var isInFile = false
    private var unwritten = ByteBuffer()
    private var lines = UploadLines()

    /// Reads the whole form.
    ///
    /// - Throws: What is wrong with it; then nothing of it is left on disk.
    static func read(_ request: Request, into files: any FileStore, id: String) async throws -> FileUpload {
        guard let type = request.headers[.contentType], var reader = MultipartReader(contentType: type) else {
            throw Refusal.invalid("send the file as multipart/form-data with a boundary", param: "Content-Type")
        }
        if request.announcedLength ?? 0 > FileUpload.most + (1 << 16) { throw FileUpload.tooLarge }
        var upload = FileUpload(files: files, receipt: try await reading { try files.receive(id) })
        do {
            for try await bytes in request.body {
                do {
                    for event in try reader.read(bytes) { try await upload.take(event) }
                } catch let fault as MultipartFault {
                    throw Refusal.invalid("the form is broken: \(fault.reason)")
                }
            }
            guard reader.isOver else { throw Refusal.invalid("the form is not complete: its last boundary is missing") }
            guard upload.name != nil else { throw Refusal.invalid("`file` is missing", param: "file") }
            try await upload.write()
            upload.lines.end()
            return upload
        } catch {
            upload.receipt.discard()
            throw error
        }
    }

    private init(files: any FileStore, receipt: any FileReceipt) {
        self.files = files
        self.receipt = receipt
    }

    private static var tooLarge: Refusal { Refusal(413, .requestTooLarge, "File is too large.", param: "file") }

    private mutating func take(_ event: MultipartReader.Event) async throws {
        switch event {
        case .part(let part):
            if part.name == "file" {
                guard self.name == nil else { throw Refusal.invalid("`file` is there twice", param: "file") }
                self.name = part.filename ?? "file"
                self.isInFile = true
            } else {
                guard self.fields[part.name] == nil else {
                    throw Refusal.invalid("`\(part.name.prefix(40))` is there twice", param: String(part.name.prefix(40)))
                }
                guard self.fields.count < 16 else { throw Refusal.invalid("the form has more parts than a file needs") }
                self.field = (part.name, [])
            }
        case .data(var bytes):
            if self.isInFile {
                self.unwritten.writeBuffer(&bytes)
                if self.receipt.bytes + self.unwritten.readableBytes > FileUpload.most { throw FileUpload.tooLarge }
                if self.unwritten.readableBytes >= FileUpload.piece { try await self.write() }
            } else {
                self.field?.value.append(contentsOf: bytes.readableBytesView)
                guard self.field?.value.count ?? 0 <= FileUpload.longestField else { throw Refusal.invalid("a field of the form is too long") }
            }
        case .partEnd:
            if let (name, value) = self.field { self.fields[name] = String(decoding: value, as: UTF8.self) }
            self.field = nil
            self.isInFile = false
        case .end:
            break
        }
    }

    private mutating func write() async throws {
        guard self.unwritten.readableBytes > 0 else { return }
        let (receipt, bytes, lines) = (self.receipt, self.unwritten, self.lines)
        self.unwritten = ByteBuffer()
        // Handed over and back, so that what is collected of a line is not copied.
        self.lines = UploadLines()
        self.lines = try await reading {
            var lines = lines
            try bytes.withUnsafeReadableBytes { bytes in
                try receipt.append(bytes)
                lines.read(bytes)
            }
            return lines
        }
    }

    /// The file as it will be stored.
    ///
    /// - Throws: What is wrong with the form's fields.
    func file(id: String, tenant: String, at now: Timestamp) throws -> StoredFile {
        guard let word = self.fields["purpose"] else { throw Refusal.invalid("`purpose` is missing; send `batch` or `user_data`", param: "purpose") }
        guard let purpose = StoredFile.Purpose(rawValue: word), purpose.isForUpload else {
            throw Refusal.invalid("`purpose` is \(word.quotedForMessage); `batch` and `user_data` are taken here", param: "purpose")
        }
        guard purpose != .batch || self.lines.isText else { throw Refusal.invalid("the file is no UTF-8", param: "file") }
        return StoredFile(
            id: id, tenant: tenant, purpose: purpose, name: self.name ?? "file", bytes: self.receipt.bytes, sha256: self.receipt.sha256, created: now,
            expires: try self.expires(purpose, at: now))
    }

    private func expires(_ purpose: StoredFile.Purpose, at now: Timestamp) throws(Refusal) -> Timestamp? {
        guard let seconds = self.fields["expires_after[seconds]"] else { return purpose == .batch ? now + .seconds(30 * 86_400) : nil }
        guard self.fields["expires_after[anchor]"] ?? "created_at" == "created_at" else {
            throw .invalid("`expires_after[anchor]` must be `created_at`", param: "expires_after[anchor]")
        }
        guard let number = Int(seconds), StoredFile.lives.contains(number) else {
            throw .invalid("`expires_after[seconds]` must be from 3600 to 2592000", param: "expires_after[seconds]")
        }
        return now + .seconds(number)
    }

    /// What an idempotency key compares: the file's content and the fields, not the boundary, which is another one in every retry.
    var fingerprint: [UInt8] {
        let fields = self.fields.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "\n")
        return IdempotencyDesk.fingerprint("POST", "/v1/files\n\(fields)\n\(self.name ?? "")", ByteBuffer(bytes: self.receipt.sha256))
    }

    /// What would fail a batch of a file with this purpose; the value of `Sluice-Warnings`.
    func warnings(_ file: StoredFile) -> String? { file.purpose == .batch ? self.lines.warnings : nil }

    /// Makes the file durable.
    func store(_ file: StoredFile) async throws {
        let (files, receipt) = (self.files, self.receipt)
        try await writing { files.add(file, receipt, then: $0) }
    }

    func discard() { self.receipt.discard() }
}

/// A write of the store as an `async` call; it is not cancelled with the task that awaits it.
func writing<Value: Sendable>(_ body: (@escaping @Sendable (Result<Value, StoreError>) -> Void) -> Void) async throws -> Value {
    do {
        return try await withCheckedThrowingContinuation { waiting in body { waiting.resume(with: $0) } }
    } catch let error as StoreError where error.code == .full {
        throw Refusal(507, .storageFull, "the disk is full: nothing new can be stored")
    }
}
