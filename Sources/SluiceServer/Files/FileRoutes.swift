import HTTPTypes
import Hummingbird
import NIOCore
import SluiceCore
import SluiceDispatch

/// `/v1/files`: OpenAI's Files API for the input and output of batches.
struct FileRoutes {
    let deferral: Deferral
    let desk: PostDesk

    private static let piece = 256 << 10

    func add(to router: some RouterMethods<APIContext>) {
        router.post("/v1/files") { request, context in try await self.upload(request, context) }
        router.get("/v1/files") { request, context in try await self.list(request, context) }
        router.get("/v1/files/:id") { _, context in try await self.retrieve(context) }
        router.get("/v1/files/:id/content") { _, context in try await self.content(context) }
        router.delete("/v1/files/:id") { _, context in try await self.delete(context) }
    }

    private func unknown(_ id: String) -> Refusal { Refusal(404, .notFound, "No file found with id \(id.quotedForMessage).") }

    private func upload(_ request: Request, _ context: APIContext) async throws -> Response {
        let tenant = try context.authenticated().name
        let now = self.desk.clock.now.wall
        // Before the form is read, which may be long.
        _ = try request.idempotencyKey()
        var ids = RequestIDs()
        let id = ids.next("file-", at: now.milliseconds)
        let upload: FileUpload
        do {
            upload = try await FileUpload.read(request, into: self.deferral.files, id: id)
        } catch let error as StoreError where error.code == .full {
            throw Refusal(507, .storageFull, "the disk is full: no file can be stored")
        }
        do {
            let file = try upload.file(id: id, tenant: tenant, at: now)
            return try await self.desk.answer(request, context, fingerprint: upload.fingerprint) { (_: Posted) async throws -> ColdAnswer in
                try await upload.store(file)
                return ColdAnswer(FileBody.json(file), of: file.id, headers: upload.warnings(file).map { [(.sluiceWarnings, $0)] } ?? [])
            }
        } catch {
            upload.discard()
            throw error
        }
    }

    private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let tenant = try context.authenticated().name
        let page = try request.page(limits: 1...10_000)
        let word = request.uri.queryParameters["purpose"].map(String.init)
        let purpose = word.flatMap(StoredFile.Purpose.init(rawValue:))
        let files = self.deferral.files
        // A purpose that is never stored here has no files.
        if let word, purpose == nil || word == StoredFile.Purpose.messageBatch.rawValue { return .json(.list([], ids: [], hasMore: false)) }
        guard let found = try await reading({ try files.files(tenant: tenant, purpose: purpose, page: page) }) else {
            throw Refusal.invalid("`after` names no file of yours", param: "after")
        }
        return .json(.list(found.data.map(FileBody.json), ids: found.data.map(\.id), hasMore: found.hasMore))
    }

    private enum Found {
        case stored(StoredFile)
        case view(Batch, BatchSide)
    }

    private func find(_ id: String, tenant: String) async throws -> Found {
        let (files, batches) = (self.deferral.files, self.deferral.batches)
        let found = try await reading { () -> Found? in
            if let file = try files.file(id, tenant: tenant), file.purpose != .messageBatch { return .stored(file) }
            guard let (batch, side) = try batches.batch(ofFile: id, tenant: tenant) else { return nil }
            let isThere = side == .output ? batch.shownOutputFile != nil : batch.shownErrorFile != nil
            return isThere ? .view(batch, side) : nil
        }
        guard let found else { throw self.unknown(id) }
        return found
    }

    private func retrieve(_ context: APIContext) async throws -> Response {
        let id = try context.parameters.require("id")
        switch try await self.find(id, tenant: try context.authenticated().name) {
        case .stored(let file): return .json(FileBody.json(file))
        case .view(let batch, let side): return .json(FileBody.json(batch, side))
        }
    }

    private func content(_ context: APIContext) async throws -> Response {
        let id = try context.parameters.require("id")
        switch try await self.find(id, tenant: try context.authenticated().name) {
        case .stored(let file):
            let files = self.deferral.files
            return self.download(file.name, length: file.bytes) { offset in
                guard offset < file.bytes else { return nil }
                let bytes = try await reading { try files.read(id, at: offset, length: FileRoutes.piece) }
                return bytes.flatMap { $0.isEmpty ? nil : ($0, offset + $0.count) }
            }
        case .view(let batch, let side):
            return self.download(FileBody.name(batch, side), length: nil, ResultPages(batches: self.deferral.batches, batch: batch.id, side: side).next)
        }
    }

    /// - Parameter next: Gives what follows a place and the place behind it; nil at the end. Places begin at 0.
    private func download(_ name: String, length: Int?, _ next: @escaping @Sendable (Int) async throws -> ([UInt8], Int)?) -> Response {
        let plain = name.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C } ? name : "file"
        return Response(
            status: .ok,
            headers: [.contentType: "application/octet-stream", .contentDisposition: "attachment; filename=\"\(plain)\""],
            body: ResponseBody(contentLength: length) { writer in
                var place = 0
                while let (bytes, after) = try await next(place) {
                    try await writer.write(ByteBuffer(bytes: bytes))
                    place = after
                }
                try await writer.finish(nil)
            })
    }

    private func delete(_ context: APIContext) async throws -> Response {
        let (id, tenant, now) = (try context.parameters.require("id"), try context.authenticated().name, self.desk.clock.now.wall)
        let (files, batches) = (self.deferral.files, self.deferral.batches)
        switch try await self.find(id, tenant: tenant) {
        case .stored:
            guard try await writing({ files.deleteFile(id, tenant: tenant, at: now, then: $0) }) else { throw self.unknown(id) }
        case .view(let batch, let side):
            guard try await writing({ batches.eraseFile(side, of: batch.id, tenant: tenant, at: now, then: $0) }) else {
                throw Refusal.invalid("the batch of this file goes on; cancel it first, or delete the file when it has ended")
            }
        }
        var json = JSONFields(capacity: 96)
        json.add("id", id)
        json.add("object", "file")
        json.add("deleted", true)
        return .json(json.object)
    }
}

/// Pages of a batch's results as the lines of a file; each page is a read of its own, so nothing holds the log back.
struct ResultPages: Sendable {
    private static let page = 500

    let batches: any BatchStore
    let batch: String
    let side: BatchSide
    var line: @Sendable (BatchResult) -> [UInt8] = { $0.line }

    func next(after sequence: Int) async throws -> ([UInt8], Int)? {
        let (batches, batch, side, line) = (self.batches, self.batch, self.side, self.line)
        return try await reading {
            let results = try batches.results(of: batch, side, after: Int64(sequence), limit: ResultPages.page)
            return results.last.map { (results.flatMap(line), Int($0.sequence)) }
        }
    }
}
