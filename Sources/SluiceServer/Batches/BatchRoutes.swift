import HTTPTypes
import Hummingbird
import SluiceCore
import SluiceDispatch

/// `/v1/batches`: OpenAI's Batch API, with pausing, resuming and retrying beside it.
struct BatchRoutes {
    let deferral: Deferral
    let policy: PolicyInForce
    let desk: PostDesk

    func add(to router: some RouterMethods<APIContext>) {
        router.post("/v1/batches") { request, context in
            try await self.desk.answer(request, context) { try await self.create($0) }
        }
        router.get("/v1/batches") { request, context in try await self.list(request, context) }
        router.get("/v1/batches/:id") { _, context in try await self.retrieve(context) }
        router.post("/v1/batches/:id/cancel") { request, context in try await self.change(request, context) { try await self.cancel($0, $1) } }
        router.post("/v1/batches/:id/pause") { request, context in try await self.change(request, context) { try await self.pause($0, true, $1) } }
        router.post("/v1/batches/:id/resume") { request, context in try await self.change(request, context) { try await self.pause($0, false, $1) } }
        router.post("/v1/batches/:id/retry") { request, context in try await self.change(request, context) { try await self.retry($0, $1) } }
    }

    private var now: Timestamp { self.desk.clock.now.wall }
    private var currency: String { self.policy.live.policy.currency }

    private func unknown(_ id: String) -> Refusal { Refusal(404, .notFound, "No batch found with id \(id.quotedForMessage).") }

    private func answer(_ batch: Batch) -> ColdAnswer { ColdAnswer(BatchBody.json(batch, currency: self.currency), of: batch.id) }

    private func create(_ posted: Posted) async throws -> ColdAnswer {
        let order = try BatchOrder(posted.body)
        let (tenant, now) = (posted.tenant, posted.arrived)
        let deadline = try order.deadline(from: now, zone: tenant.terms.zone ?? self.policy.live.policy.zone)
        let (files, batches) = (self.deferral.files, self.deferral.batches)
        guard let file = try await reading({ try files.file(order.file, tenant: tenant.name) }), file.purpose != .messageBatch else {
            throw Refusal.invalid("`input_file_id` names no file of yours: \(order.file.quotedForMessage)", param: "input_file_id")
        }
        guard file.purpose == .batch else {
            throw Refusal.invalid("the file has the purpose `\(file.purpose.rawValue)`; upload it with `batch`", param: "input_file_id")
        }
        var ids = RequestIDs()
        let id = ids.next("batch_", at: now.milliseconds)
        var batch = Batch(
            id: id, wire: .openAI, tenant: tenant.name, key: posted.key, endpoint: order.endpoint, inputFile: file.id,
            outputFile: ids.next("file-", at: now.milliseconds), errorFile: ids.next("file-", at: now.milliseconds), window: order.window, created: now,
            deadline: deadline)
        batch.metadata = order.metadata
        batch.tags = order.tags
        batch.maxCost = order.maxCost
        batch.onDeadline = order.onDeadline
        batch.outputLife = order.outputLife
        let (made, answer) = (batch, self.answer(batch))
        try await writing { batches.create(made, answer: posted.kept(answer), then: $0) }
        self.deferral.signals.nudgeIntake()
        return answer
    }

    private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let tenant = try context.authenticated().name
        let page = try request.page(limits: 1...100)
        let batches = self.deferral.batches
        guard let found = try await reading({ try batches.batches(.openAI, tenant: tenant, page: page) }) else {
            throw Refusal.invalid("`after` names no batch of yours", param: "after")
        }
        let currency = self.currency
        return .json(.list(found.data.map { BatchBody.json($0, currency: currency) }, ids: found.data.map(\.id), hasMore: found.hasMore))
    }

    private func find(_ id: String, tenant: String) async throws -> Batch {
        let batches = self.deferral.batches
        guard let batch = try await reading({ try batches.batch(id, tenant: tenant) }), batch.wire == .openAI else { throw self.unknown(id) }
        return batch
    }

    private func retrieve(_ context: APIContext) async throws -> Response {
        self.answer(try await self.find(try context.parameters.require("id"), tenant: try context.authenticated().name)).response
    }

    private func change(
        _ request: Request, _ context: APIContext, _ body: @escaping (Batch, String) async throws -> Batch
    ) async throws -> Response {
        let id = try context.parameters.require("id")
        return try await self.desk.answer(request, context) { posted in
            let batch = try await self.find(id, tenant: posted.tenant.name)
            return self.answer(try await body(batch, posted.tenant.name))
        }
    }

    private func cancel(_ batch: Batch, _ tenant: String) async throws -> Batch {
        guard let found = try await self.deferral.cancelBatch(batch.id, tenant: tenant, at: self.now) else { throw self.unknown(batch.id) }
        switch found.status {
        case .cancelling, .cancelled: return found
        case .validating, .inProgress, .completed, .failed, .expired:
            // 400, since SDKs send a 409 again.
            throw Refusal.invalid("the batch has already ended: its status is `\(found.status.name)`")
        }
    }

    private func pause(_ batch: Batch, _ isPaused: Bool, _ tenant: String) async throws -> Batch {
        guard !batch.status.isTerminal else { throw Refusal.invalid("the batch has already ended: its status is `\(batch.status.name)`") }
        let batches = self.deferral.batches
        guard let found = try await writing({ batches.pause(batch.id, isPaused, tenant: tenant, then: $0) }) else { throw self.unknown(batch.id) }
        if !isPaused { self.deferral.signals.nudge() }
        return found
    }

    private func retry(_ batch: Batch, _ tenant: String) async throws -> Batch {
        guard batch.status.after(.retried) != nil else {
            throw Refusal.invalid("only a batch that has ended with lines can be retried; the status is `\(batch.status.name)`")
        }
        let (batches, now) = (self.deferral.batches, self.now)
        do {
            guard let found = try await writing({ batches.retryBatch(batch.id, tenant: tenant, at: now, then: $0) }) else { throw self.unknown(batch.id) }
            self.deferral.signals.nudge()
            return found
        } catch let error as StoreError where error.code == .other {
            throw Refusal.invalid(error.message)
        }
    }
}

extension Deferral {
    /// Cancels a batch and drops its calls in flight; nil where there is no such batch.
    func cancelBatch(_ id: String, tenant: String?, at now: Timestamp) async throws -> Batch? {
        let batches = self.batches
        guard let (batch, running) = try await writing({ batches.cancelBatch(id, tenant: tenant, at: now, then: $0) }) else { return nil }
        for job in running { self.drop(job) }
        self.signals.nudge()
        self.signals.nudgeDelivery()
        return batch
    }
}
