import HTTPTypes
import Hummingbird
import NIOCore
import SluiceCore
import SluiceDispatch

/// `/v1/messages/batches`: Anthropic's message batches.
struct MessageBatchRoutes {
    /// The time that Anthropic gives a batch.
    private static let window = Duration.seconds(86_400)

    let deferral: Deferral
    let desk: PostDesk

    func add(to router: some RouterMethods<APIContext>) {
        router.post("/v1/messages/batches") { request, context in try await self.create(request, context) }
        router.get("/v1/messages/batches") { request, context in try await self.list(request, context) }
        router.get("/v1/messages/batches/:id") { _, context in try await self.retrieve(context) }
        router.get("/v1/messages/batches/:id/results") { _, context in try await self.results(context) }
        router.post("/v1/messages/batches/:id/cancel") { request, context in try await self.cancel(request, context) }
        router.delete("/v1/messages/batches/:id") { _, context in try await self.delete(context) }
    }

    private func unknown(_ id: String) -> Refusal { Refusal(404, .notFound, "No message batch found with id \(id.quotedForMessage).") }

    private func create(_ request: Request, _ context: APIContext) async throws -> Response {
        let tenant = try context.authenticated().name
        let now = self.desk.clock.now.wall
        var ids = RequestIDs()
        let file = ids.next("file-", at: now.milliseconds)
        let upload = try await MessageBatchUpload.read(request, into: self.deferral.files, id: file)
        var batch = Batch(
            id: ids.next("msgbatch_", at: now.milliseconds), wire: .messages, tenant: tenant, key: context.key, endpoint: .messages, inputFile: file,
            outputFile: ids.next("file-", at: now.milliseconds), errorFile: ids.next("file-", at: now.milliseconds), window: "24h", created: now,
            deadline: now + MessageBatchRoutes.window)
        batch.lines.total = upload.count
        let (made, batches, signals) = (batch, self.deferral.batches, self.deferral.signals)
        do {
            return try await self.desk.answer(request, context, fingerprint: upload.fingerprint) { posted in
                let answer = ColdAnswer(MessageBatchBody.json(made), of: made.id)
                try await upload.store(id: file, tenant: tenant, at: now)
                try await writing { batches.create(made, answer: posted.kept(answer), then: $0) }
                signals.nudgeIntake()
                return answer
            }
        } catch {
            upload.discard()
            throw error
        }
    }

    private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let tenant = try context.authenticated().name
        let page = try request.page(limits: 1...1000, after: "after_id", before: "before_id")
        let batches = self.deferral.batches
        guard let found = try await reading({ try batches.batches(.messages, tenant: tenant, page: page) }) else {
            throw Refusal.invalid("the cursor names no message batch of yours", param: "after_id")
        }
        var json: [UInt8] = []
        json.append(text: "{\"data\":[")
        json.append(list: found.data.map(MessageBatchBody.json))
        json.append(text: "],\"has_more\":\(found.hasMore),\"first_id\":")
        json.append(optional: found.data.first?.id)
        json.append(text: ",\"last_id\":")
        json.append(optional: found.data.last?.id)
        json.append(text: "}")
        return .json(json)
    }

    private func find(_ context: APIContext) async throws -> Batch {
        let (id, tenant, batches) = (try context.parameters.require("id"), try context.authenticated().name, self.deferral.batches)
        guard let batch = try await reading({ try batches.batch(id, tenant: tenant) }), batch.wire == .messages else { throw self.unknown(id) }
        return batch
    }

    /// The batch once its entries are jobs, which takes a moment: each of them has a result then, also where it is cancelled at once.
    private func takenIn(_ context: APIContext) async throws -> Batch {
        for _ in 0..<100 {
            let batch = try await self.find(context)
            guard batch.status == .validating else { return batch }
            try await Task.sleep(for: .milliseconds(50))
        }
        return try await self.find(context)
    }

    private func retrieve(_ context: APIContext) async throws -> Response {
        let batch = try await self.find(context)
        var response = Response.json(MessageBatchBody.json(batch))
        // How often it is worth asking, as Anthropic's own server says it.
        if !batch.status.isTerminal { response.headers[.retryAfter] = "10" }
        return response
    }

    private func results(_ context: APIContext) async throws -> Response {
        let batch = try await self.find(context)
        guard batch.status.isTerminal else { throw Refusal.invalid("the batch has not ended yet; its results come with its end") }
        let pages = ResultPages(batches: self.deferral.batches, batch: batch.id, side: .all, line: MessageBatchBody.line)
        return Response(
            status: .ok, headers: [.contentType: "application/x-jsonl"],
            body: ResponseBody { writer in
                var place = 0
                while let (bytes, after) = try await pages.next(after: place) {
                    try await writer.write(ByteBuffer(bytes: bytes))
                    place = after
                }
                try await writer.finish(nil)
            })
    }

    private func cancel(_ request: Request, _ context: APIContext) async throws -> Response {
        let batch = try await self.takenIn(context)
        return try await self.desk.answer(request, context) { posted in
            guard let found = try await self.deferral.cancelBatch(batch.id, tenant: posted.tenant.name, at: self.desk.clock.now.wall) else {
                throw self.unknown(batch.id)
            }
            return ColdAnswer(MessageBatchBody.json(found), of: found.id)
        }
    }

    private func delete(_ context: APIContext) async throws -> Response {
        let batch = try await self.find(context)
        let (batches, now) = (self.deferral.batches, self.desk.clock.now.wall)
        guard batch.status.isTerminal, try await writing({ batches.eraseBatch(batch.id, tenant: batch.tenant, at: now, then: $0) }) else {
            throw Refusal.invalid("the batch has not ended yet; cancel it first")
        }
        var json = JSONFields(capacity: 96)
        json.add("id", batch.id)
        json.add("type", "message_batch_deleted")
        return .json(json.object)
    }
}
