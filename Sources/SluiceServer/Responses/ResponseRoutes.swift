import HTTPTypes
import Hummingbird
import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceWire

/// `/v1/responses/{id}`: background responses. One that was made in the foreground is not stored, so it is not found.
struct ResponseRoutes {
    let deferral: Deferral
    let desk: PostDesk

    func add(to router: some RouterMethods<APIContext>) {
        router.get("/v1/responses/:id") { request, context in try await self.retrieve(request, context) }
        router.post("/v1/responses/:id/cancel") { request, context in try await self.cancel(request, context) }
        router.delete("/v1/responses/:id") { _, context in try await self.delete(context) }
    }

    private func unknown(_ id: String) -> Refusal { Refusal(404, .notFound, "Response with id \(id.quotedForMessage) not found.") }

    private func find(_ context: APIContext) async throws -> (Job, json: [UInt8]) {
        let (id, tenant) = (try context.parameters.require("id"), try context.authenticated().name)
        let store = self.deferral.store
        let found = try await reading { () -> (Job, [UInt8])? in
            guard let job = try store.job(id, tenant: tenant), job.kind == .background else { return nil }
            return (job, try BackgroundResponse.json(job, in: store))
        }
        guard let found else { throw self.unknown(id) }
        return found
    }

    private func retrieve(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = request.uri.queryParameters
        guard query["stream"] == "true" else { return .json(try await self.find(context).json) }
        guard let after = Int(query["starting_after"] ?? "-1") else {
            throw Refusal.invalid("starting_after must be a whole number", param: "starting_after")
        }
        return self.stream(try await self.find(context).0, after: after)
    }

    /// Replays the response as events: what stands at once, the end when it is there. Numbers never change, so a client can go on behind one.
    private func stream(_ job: Job, after: Int) -> Response {
        let (deferral, id) = (self.deferral, job.id)
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                let store = deferral.store
                let queued = try await reading { BackgroundResponse.json(job.asQueued, request: try store.call(of: id, tenant: nil)?.body) }
                for (number, type) in [(0, "response.created"), (1, "response.queued")] where number > after {
                    try await writer.write(ByteBuffer(bytes: BackgroundResponse.event(type, number, queued)))
                }
                if after < 2 {
                    try await deferral.end(of: id)
                    let (type, json) = try await reading { () -> (String, [UInt8]) in
                        guard let job = try store.job(id, tenant: nil) else { throw Refusal(404, .notFound, "the response was deleted") }
                        let json = try BackgroundResponse.json(job, in: store)
                        return (BackgroundResponse.endType(job, json), json)
                    }
                    try await writer.write(ByteBuffer(bytes: BackgroundResponse.event(type, 2, json)))
                }
                try await writer.finish(nil)
            })
    }

    private func cancel(_ request: Request, _ context: APIContext) async throws -> Response {
        let job = try await self.find(context).0
        return try await self.desk.answer(request, context) { posted in
            guard let found = try await self.deferral.cancel(job.id, tenant: posted.tenant.name, at: self.desk.clock.now.wall) else {
                throw self.unknown(job.id)
            }
            self.deferral.signals.nudgeDelivery()
            let store = self.deferral.store
            return ColdAnswer(try await reading { try BackgroundResponse.json(found, in: store) }, of: job.id)
        }
    }

    private func delete(_ context: APIContext) async throws -> Response {
        let job = try await self.find(context).0
        let (store, tenant, now) = (self.deferral.store, job.tenant, self.desk.clock.now.wall)
        if !job.state.isTerminal { _ = try await self.deferral.cancel(job.id, tenant: tenant, at: now) }
        guard try await writing({ store.erase(job.id, tenant: tenant, at: now, then: $0) }) else { throw self.unknown(job.id) }
        var json = JSONFields(capacity: 96)
        json.add("id", job.id)
        json.add("object", "response")
        json.add("deleted", true)
        return .json(json.object)
    }
}

extension Job {
    /// As it stood when it was taken in: what the first events of a replay show.
    fileprivate var asQueued: Job {
        var job = self
        job.state = .ready
        job.finished = nil
        return job
    }
}

extension BackgroundResponse {
    /// The object as it stands, with the backend's answer once there is one; blocks for reads.
    static func json(_ job: Job, in store: any JobStore) throws -> [UInt8] {
        let result = job.state == .done || job.state == .failed ? try store.result(of: job.id, tenant: nil) : nil
        if let result, let json = self.json(job, answer: result.body) { return json }
        return self.json(job, request: try store.call(of: job.id, tenant: nil)?.body, answer: result?.body)
    }

    static func event(_ type: String, _ number: Int, _ response: [UInt8]) -> [UInt8] {
        var json = JSONFields(capacity: response.count + 96)
        json.add("type", type)
        json.add("sequence_number", number)
        json.add("response", json: response.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 })
        return Array("event: \(type)\ndata: ".utf8) + json.object + [0x0A, 0x0A]
    }

    static func endType(_ job: Job, _ json: [UInt8]) -> String {
        switch job.state {
        case .cancelled: return "response.cancelled"
        case .done:
            let status = (try? ObjectFields(json))?.value("status")?.text
            return status == "incomplete" ? "response.incomplete" : status == "failed" ? "response.failed" : "response.completed"
        case .held, .ready, .leased, .bundled, .failed, .expired: return "response.failed"
        }
    }
}

extension Deferral {
    /// Returns once the job has ended; at once where it has.
    func end(of id: String) async throws {
        let (signals, store) = (self.signals, self.store)
        let (ends, continuation) = AsyncStream.makeStream(of: Void.self)
        let token = signals.wait(for: id) { _ in continuation.finish() }
        defer { signals.stopWaiting(for: id, token) }
        // It may have ended before anybody listened.
        guard let job = try await reading({ try store.job(id, tenant: nil) }), !job.state.isTerminal else { return }
        for await _ in ends {}
        try Task.checkCancellation()
    }
}
