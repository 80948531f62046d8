import Hummingbird
import NIOPosix
import SluiceCore
import SluiceDispatch

/// `/v1/jobs`: deferred work of the key's own tenant. Foreign and unknown ids are the same 404.
struct JobRoutes {
    let deferral: Deferral
    let clock: SluiceClock

    func add(to router: some RouterMethods<APIContext>) {
        router.get("/v1/jobs") { request, context in try await self.list(request, context) }
        router.get("/v1/jobs/:id") { _, context in try await self.get(context) }
        router.delete("/v1/jobs/:id") { _, context in try await self.erase(context) }
        router.post("/v1/jobs/:id/cancel") { _, context in try await self.cancel(context) }
    }

    private func unknown(_ id: String) -> Refusal { Refusal(404, .notFound, "No job found with id \(id.quotedForMessage).") }

    private func get(_ context: APIContext) async throws -> Response {
        let (id, tenant) = (try context.parameters.require("id"), try context.authenticated().name)
        let store = self.deferral.store
        guard let job = try await reading({ try store.job(id, tenant: tenant) }) else { throw self.unknown(id) }
        switch job.state {
        case .held, .ready, .leased, .bundled:
            var response = Response.json(JobBody.json(job, self.deferral.expectation(of: job)), status: .accepted)
            response.headers[.retryAfter] = String(JobBody.retryAfter(job, at: self.clock.now.wall))
            return response
        case .expired: throw Refusal(504, .deadlineExceeded, "the job's deadline has passed before it could be run", shouldRetry: false)
        case .cancelled: throw Refusal(410, .cancelled, "the job was cancelled", shouldRetry: false)
        case .done, .failed:
            guard let result = try await reading({ try store.result(of: id, tenant: tenant) }) else {
                throw Refusal(404, .notFound, "the answer of the job \(id.quotedForMessage) is no longer kept")
            }
            var response = Response(
                status: .init(code: result.status), headers: [.contentType: result.contentType], body: .init(byteBuffer: .init(bytes: result.body)))
            response.add(lines: result.lines)
            if job.state == .failed {
                response.headers[.sluiceErrorSource] = result.isOurs(job) ? "gateway" : "upstream"
                // It has failed for good: what would be asked again is this answer.
                response.headers[.shouldRetry] = "false"
            }
            return response
        }
    }

    private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let tenant = try context.authenticated().name
        let query = request.uri.queryParameters
        var states: [JobState] = []
        if let status = query["status"].map(String.init) {
            states = JobState.named(status)
            guard !states.isEmpty else {
                throw Refusal.invalid("status is \(status.quotedForMessage); one of held, ready, running, done, failed, expired, cancelled", param: "status")
            }
        }
        guard let limit = Int(query["limit"] ?? "20"), (1...100).contains(limit) else {
            throw Refusal.invalid("limit must be a whole number from 1 to 100", param: "limit")
        }
        let after = query["after"].map(String.init)
        let (store, wanted) = (self.deferral.store, states)
        guard let (page, hasMore) = try await reading({ try store.jobs(tenant: tenant, states: wanted, limit: limit, after: after) }) else {
            throw self.unknown(after ?? "")
        }
        var json: [UInt8] = []
        json.append(text: "{\"object\":\"list\",\"data\":[")
        json.append(list: page.map { JobBody.json($0, self.deferral.expectation(of: $0)) })
        json.append(text: "],\"has_more\":\(hasMore),\"first_id\":")
        json.append(optional: page.first?.id)
        json.append(text: ",\"last_id\":")
        json.append(optional: page.last?.id)
        json.append(text: "}")
        return .json(json)
    }

    private func cancel(_ context: APIContext) async throws -> Response {
        let (id, tenant) = (try context.parameters.require("id"), try context.authenticated().name)
        guard let job = try await self.deferral.cancel(id, tenant: tenant, at: self.clock.now.wall) else { throw self.unknown(id) }
        return .json(JobBody.json(job, self.deferral.expectation(of: job)))
    }

    private func erase(_ context: APIContext) async throws -> Response {
        let (id, tenant) = (try context.parameters.require("id"), try context.authenticated().name)
        let store = self.deferral.store
        guard let job = try await reading({ try store.job(id, tenant: tenant) }) else { throw self.unknown(id) }
        guard job.state.isTerminal else { throw Refusal.invalid("the job has not ended; cancel it first") }
        let now = self.clock.now.wall
        _ = try await withCheckedThrowingContinuation { waiting in store.erase(id, tenant: tenant, at: now) { waiting.resume(with: $0) } }
        var json: [UInt8] = []
        json.append(text: "{\"id\":")
        json.append(jsonString: id)
        json.append(text: ",\"object\":\"job\",\"deleted\":true}")
        return .json(json)
    }
}

extension JobResult {
    /// Whether an error is Sluice's own: it names the request as Sluice does, and no backend as its cause.
    fileprivate func isOurs(_ job: Job) -> Bool {
        let text = String(decoding: self.body, as: UTF8.self)
        return text.contains(job.requestID) && !text.contains("\"\(Refusal.Code.upstreamFailed.rawValue)\"")
    }
}

/// Reads the store away from the threads that must not block.
func reading<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await NIOThreadPool.singleton.runIfActive(body)
}

extension Deferral {
    /// Cancels a job, drops its call and tells whoever waits for it; nil where there is no such job.
    func cancel(_ id: String, tenant: String?, at now: Timestamp) async throws -> Job? {
        let found = try await withCheckedThrowingContinuation { waiting in
            self.store.cancel(id, tenant: tenant, at: now) { waiting.resume(with: $0) }
        }
        if found?.wasRunning == true { self.drop(id) }
        if found?.job.state == .cancelled { self.signals.announce(id, .cancelled) }
        return found?.job
    }
}
