import Crypto
import FoundationEssentials
import Glibc
import HTTPTypes
import Hummingbird
import SluiceCore
import SluiceDispatch
import SluiceWire

/// `/v1/webhook_endpoints`: where a tenant wants to be told of ends, as OpenAI's SDK makes them.
struct WebhookRoutes {
    private static let secretBytes = 32
    /// How long the old secret signs along after a rotation.
    private static let grace = Duration.seconds(86_400)

    let deferral: Deferral
    let policy: PolicyInForce
    let desk: PostDesk

    func add(to router: some RouterMethods<APIContext>) {
        router.get("/v1/webhook_event_types") { _, _ -> Response in .json(.list(WebhookEvent.allCases.map { WebhookBody.type($0) }, ids: [], hasMore: false)) }
        router.get("/v1/webhook_endpoints") { request, context in try await self.list(request, context) }
        router.post("/v1/webhook_endpoints") { request, context in
            try await self.desk.answer(request, context) { try await self.create($0) }
        }
        router.get("/v1/webhook_endpoints/:id") { _, context -> Response in
            .json(WebhookBody.json(try await self.find(try context.parameters.require("id"), tenant: try context.authenticated().name)))
        }
        router.post("/v1/webhook_endpoints/:id") { request, context in
            let id = try context.parameters.require("id")
            return try await self.desk.answer(request, context) { try await self.update(id, $0) }
        }
        router.post("/v1/webhook_endpoints/:id/rotate_secret") { request, context in
            let id = try context.parameters.require("id")
            return try await self.desk.answer(request, context) { try await self.rotate(id, $0) }
        }
        router.post("/v1/webhook_endpoints/:id/test") { request, context in
            let id = try context.parameters.require("id")
            return try await self.desk.answer(request, context) { try await self.test(id, $0) }
        }
        router.delete("/v1/webhook_endpoints/:id") { _, context in try await self.delete(context) }
    }

    private func unknown(_ id: String) -> Refusal { Refusal(404, .notFound, "No webhook endpoint found with id \(id.quotedForMessage).") }

    private func find(_ id: String, tenant: String) async throws -> WebhookEndpoint {
        let webhooks = self.deferral.webhooks
        guard let endpoint = try await reading({ try webhooks.endpoint(id, tenant: tenant) }) else { throw self.unknown(id) }
        return endpoint
    }

    private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let (tenant, page, webhooks) = (try context.authenticated().name, try request.page(limits: 1...100), self.deferral.webhooks)
        guard let found = try await reading({ try webhooks.endpoints(tenant: tenant, page: page) }) else {
            throw Refusal.invalid("`after` names no webhook endpoint of yours", param: "after")
        }
        return .json(.list(found.data.map { WebhookBody.json($0) }, ids: found.data.map(\.id), hasMore: found.hasMore))
    }

    private func create(_ posted: Posted) async throws -> ColdAnswer {
        let fields = try WebhookRoutes.fields(posted.body)
        let (name, url) = (try fields.text("name", or: "a name for people"), try fields.text("url", or: "an `https:` address"))
        try await self.check(url)
        var ids = RequestIDs()
        let endpoint = WebhookEndpoint(
            id: ids.next("we_", at: posted.arrived.milliseconds), tenant: posted.tenant.name, name: String(name.prefix(200)), url: url,
            events: try WebhookRoutes.events(fields) ?? WebhookEvent.allCases, secrets: [.init(bytes: WebhookRoutes.newSecret(), expires: nil)],
            created: posted.arrived)
        let webhooks = self.deferral.webhooks
        try await writing { webhooks.add(endpoint, then: $0) }
        return ColdAnswer(WebhookBody.json(endpoint, secret: endpoint.secrets.first))
    }

    private func update(_ id: String, _ posted: Posted) async throws -> ColdAnswer {
        var endpoint = try await self.find(id, tenant: posted.tenant.name)
        let fields = try WebhookRoutes.fields(posted.body)
        if fields.value("name")?.isNull == false { endpoint.name = String(try fields.text("name", or: "a name for people").prefix(200)) }
        if fields.value("url")?.isNull == false {
            endpoint.url = try fields.text("url", or: "an `https:` address")
            try await self.check(endpoint.url)
        }
        if let events = try WebhookRoutes.events(fields) { endpoint.events = events }
        endpoint.isEnabled = true
        return try await self.store(endpoint, secret: nil)
    }

    private func rotate(_ id: String, _ posted: Posted) async throws -> ColdAnswer {
        var endpoint = try await self.find(id, tenant: posted.tenant.name)
        let secret = WebhookEndpoint.Secret(bytes: WebhookRoutes.newSecret(), expires: nil)
        let old = endpoint.secrets.first.map { WebhookEndpoint.Secret(bytes: $0.bytes, expires: posted.arrived + WebhookRoutes.grace) }
        endpoint.secrets = [secret] + [old].compactMap { $0 }
        return try await self.store(endpoint, secret: secret)
    }

    private func store(_ endpoint: WebhookEndpoint, secret: WebhookEndpoint.Secret?) async throws -> ColdAnswer {
        let webhooks = self.deferral.webhooks
        guard try await writing({ webhooks.update(endpoint, then: $0) }) else { throw self.unknown(endpoint.id) }
        return ColdAnswer(WebhookBody.json(endpoint, secret: secret))
    }

    private func test(_ id: String, _ posted: Posted) async throws -> ColdAnswer {
        let endpoint = try await self.find(id, tenant: posted.tenant.name)
        let asked = try? WebhookRoutes.fields(posted.body).value("event_type")?.text.flatMap(WebhookEvent.init(rawValue:))
        let type = asked ?? endpoint.events.first ?? .batchCompleted
        var ids = RequestIDs()
        let event = ids.next("evt_", at: posted.arrived.milliseconds)
        let body = WebhookBody.event(event, type, about: "test", at: posted.arrived)
        let webhooks = self.deferral.webhooks
        guard try await writing({ webhooks.queue(event, type, body: body, to: id, at: posted.arrived, then: $0) }) else { throw self.unknown(id) }
        self.deferral.signals.nudgeDelivery()
        return ColdAnswer(body)
    }

    private func delete(_ context: APIContext) async throws -> Response {
        let (id, tenant, webhooks) = (try context.parameters.require("id"), try context.authenticated().name, self.deferral.webhooks)
        guard try await writing({ webhooks.deleteEndpoint(id, tenant: tenant, then: $0) }) else { throw self.unknown(id) }
        var json = JSONFields(capacity: 96)
        json.add("id", id)
        json.add("object", "webhook_endpoint.deleted")
        json.add("deleted", true)
        return .json(json.object)
    }

    // MARK: What a request says

    private static func fields(_ body: [UInt8]) throws(Refusal) -> ObjectFields {
        do throws(JSONFault) {
            return try ObjectFields(body)
        } catch {
            throw .invalid("the body is no valid JSON object: \(error.reason) at byte \(error.offset)")
        }
    }

    private static func events(_ fields: ObjectFields) throws(Refusal) -> [WebhookEvent]? {
        guard let value = fields.value("event_types"), !value.isNull else { return nil }
        guard let names = value.list, !names.isEmpty else { throw .invalid("`event_types` must be a list of event types", param: "event_types") }
        var events: [WebhookEvent] = []
        for name in names {
            guard let event = WebhookEvent(rawValue: name) else {
                throw .invalid("\(name.quotedForMessage) is no event type; GET /v1/webhook_event_types lists them", param: "event_types")
            }
            events.append(event)
        }
        return events
    }

    private static func newSecret() -> [UInt8] { SymmetricKey(size: .init(bitCount: self.secretBytes * 8)).withUnsafeBytes { Array($0) } }

    private func check(_ text: String) async throws {
        guard let url = BackendURL(text) else { throw Refusal.invalid("`url` is no address that can be called", param: "url") }
        let addresses = try await reading { WebhookRoutes.addresses(of: url.host) }
        if let reason = WebhookTarget.refusal(url, addresses: addresses, allowed: self.policy.live.policy.server.webhooksAllowed) {
            throw Refusal.invalid("`url`: \(reason)", param: "url")
        }
    }

    /// Blocks for the resolver. A name that is not known yet has none.
    private static func addresses(of host: String) -> [PeerAddress] {
        var list: UnsafeMutablePointer<addrinfo>?
        // Digits with the dot of a name's root behind them are no name to the resolver, and an address to others.
        let name = host.hasSuffix(".") ? String(host.dropLast()) : host
        guard getaddrinfo(name, nil, nil, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        return sequence(first: list, next: { $0?.pointee.ai_next }).compactMap { entry in
            entry?.pointee.ai_addr.flatMap { PeerAddress(UnsafePointer($0)) }
        }
    }
}

/// The objects of the webhook routes.
enum WebhookBody {
    static func json(_ endpoint: WebhookEndpoint, secret: WebhookEndpoint.Secret? = nil) -> [UInt8] {
        var json = JSONFields(capacity: 384)
        json.add("id", endpoint.id)
        json.add("object", "webhook_endpoint")
        json.add("created_at", Int(endpoint.created.seconds))
        json.add("name", endpoint.name)
        json.add("url", endpoint.url)
        json.add("event_types", endpoint.events.map(\.rawValue))
        json.add("enabled", endpoint.isEnabled)
        if let secret { json.add("signing_secret", "whsec_\(Data(secret.bytes).base64EncodedString())") }
        return json.object
    }

    static func type(_ event: WebhookEvent) -> [UInt8] {
        var json = JSONFields(capacity: 64)
        json.add("object", "webhook_event_type")
        json.add("type", event.rawValue)
        return json.object
    }

    static func event(_ id: String, _ type: WebhookEvent, about subject: String, at now: Timestamp) -> [UInt8] {
        var data = JSONFields(capacity: 64)
        data.add("id", subject)
        var json = JSONFields(capacity: 192)
        json.add("id", id)
        json.add("object", "event")
        json.add("type", type.rawValue)
        json.add("created_at", Int(now.seconds))
        json.add("data", object: data)
        return json.object
    }
}
