import FoundationEssentials
import Hummingbird
import NIOCore
package import SluiceCore
package import SluiceDispatch
import SluiceWire

/// `/api`: what the commands print, and what they change in a running server (`outputs.md`, Admin API).
package struct AdminAPI: Sendable {
    /// What the composition root lends: actions that reach beyond the server's own parts.
    package struct Actions: Sendable {
        /// Reads the policy again. With `requeue`, work that waits is given the class that it has for it.
        package var reload: @Sendable (_ requeue: Bool) async throws -> Reloaded
        package var makeKey: @Sendable (_ name: String, _ tenant: String?) async throws -> [UInt8]
        package var listKeys: @Sendable () async throws -> [UInt8]
        package var revokeKey: @Sendable (_ name: String) async throws -> Bool
        /// A report object by the query's dimensions and times.
        package var report: @Sendable (_ by: String?, _ since: String?, _ until: String?) async throws -> [UInt8]
        /// Hardware of one's own against the baseline.
        package var payback: @Sendable () async throws -> [UInt8]
        /// Prices the ledger again; without `isWritten` it only says what would be corrected. nil while it is at it already.
        package var recompute: @Sendable (LedgerFilter, _ isWritten: Bool) async throws -> [UInt8]?
        /// Gives calls in doubt what a bill says that they cost; nil while the ledger is being corrected already.
        package var closeDoubts: @Sendable (_ body: [UInt8]) async throws -> [UInt8]?

        package init(
            reload: @escaping @Sendable (Bool) async throws -> Reloaded, makeKey: @escaping @Sendable (String, String?) async throws -> [UInt8],
            listKeys: @escaping @Sendable () async throws -> [UInt8], revokeKey: @escaping @Sendable (String) async throws -> Bool,
            report: @escaping @Sendable (String?, String?, String?) async throws -> [UInt8], payback: @escaping @Sendable () async throws -> [UInt8],
            recompute: @escaping @Sendable (LedgerFilter, Bool) async throws -> [UInt8]?, closeDoubts: @escaping @Sendable ([UInt8]) async throws -> [UInt8]?
        ) {
            self.reload = reload
            self.makeKey = makeKey
            self.listKeys = listKeys
            self.revokeKey = revokeKey
            self.report = report
            self.payback = payback
            self.recompute = recompute
            self.closeDoubts = closeDoubts
        }
    }

    /// What a reload has come to.
    package struct Reloaded: Sendable {
        package var policy: String
        /// How many jobs have another class or other times; nil where that was not asked for.
        package var requeued: Int?

        package init(policy: String, requeued: Int?) {
            self.policy = policy
            self.requeued = requeued
        }

        fileprivate var json: [UInt8] {
            var json = JSONFields(capacity: 96)
            json.add("schema", "sluice.reload/v1")
            json.add("policy", self.policy)
            if let requeued { json.add("requeued", requeued) }
            return json.object
        }
    }

    private let policy: PolicyInForce
    private let deferral: Deferral
    private let ledger: any Ledger
    private let clock: SluiceClock
    private let actions: Actions

    package init(policy: PolicyInForce, deferral: Deferral, ledger: any Ledger, clock: SluiceClock, actions: Actions) {
        self.policy = policy
        self.deferral = deferral
        self.ledger = ledger
        self.clock = clock
        self.actions = actions
    }

    func add(to router: some RouterMethods<APIContext>) {
        router.get("/api/report") { request, _ -> Response in
            let query = request.uri.queryParameters
            return .json(try await self.actions.report(query["by"].map(String.init), query["since"].map(String.init), query["until"].map(String.init)))
        }
        router.get("/api/report/payback") { _, _ -> Response in .json(try await self.actions.payback()) }
        router.get("/api/requests") { request, _ -> Response in try await self.requests(request) }
        router.get("/api/requests/:id") { _, context -> Response in try await self.request(context.parameters.decoded("id")) }
        router.get("/api/backends") { _, _ -> Response in .json(BackendListing.json(self.policy.live, at: self.clock.now)) }
        router.get("/api/windows") { request, _ -> Response in .json(try self.windows(next: request.uri.queryParameters["next"])) }
        router.get("/api/policy") { _, _ -> Response in .json(self.policyInForce()) }
        router.post("/api/reload") { request, _ -> Response in .json(try await self.actions.reload(AdminAPI.wantsRequeue(request)).json) }
        router.post("/api/audit/recompute") { request, _ -> Response in
            let query = request.uri.queryParameters
            var filter = LedgerFilter()
            filter.since = try AdminAPI.time(query["since"], "since")
            filter.until = try AdminAPI.time(query["until"], "until")
            guard let outcome = try await self.actions.recompute(filter, query["dry_run"] != "true") else { throw AdminAPI.isCorrecting }
            return .json(outcome)
        }
        router.post("/api/audit/close") { request, _ -> Response in
            let body = try await request.body.collect(upTo: 16 << 20)
            guard let outcome = try await self.actions.closeDoubts(Array(buffer: body)) else { throw AdminAPI.isCorrecting }
            return .json(outcome)
        }
        self.addQueue(to: router)
        self.addKeys(to: router)
    }

    /// What `{"requeue": true}` says; nothing is no.
    private static func wantsRequeue(_ request: Request) async throws -> Bool {
        var request = request
        let body = Array(buffer: try await request.collected(upTo: 1 << 16))
        guard !body.isEmpty else { return false }
        guard let fields = try? ObjectFields(body) else { throw Refusal.invalid("the body is no JSON object; send {\"requeue\": true}, or nothing") }
        guard let value = fields.value("requeue"), !value.isNull else { return false }
        guard let requeue = value.bool else { throw Refusal.invalid("`requeue` must be true or false", param: "requeue") }
        return requeue
    }

    private static let isCorrecting = Refusal(409, .invalidRequest, "the ledger is being corrected already")

    private static func time(_ text: Substring?, _ name: String) throws(Refusal) -> Timestamp? {
        guard let text else { return nil }
        guard let instant = Timestamp(rfc3339: text) else { throw Refusal.invalid("\(name) is no RFC 3339 time", param: name) }
        return instant
    }

    /// How many rows a list has at most.
    private static func limit(_ text: Substring?, else usual: Int) throws(Refusal) -> Int {
        guard let text else { return usual }
        guard let limit = Int(text), limit > 0 else { throw Refusal.invalid("limit is no number of rows", param: "limit") }
        return min(1000, limit)
    }

    private func addQueue(to router: some RouterMethods<APIContext>) {
        router.get("/api/queue") { request, _ -> Response in
            let query = request.uri.queryParameters
            let limit = try AdminAPI.limit(query["limit"], else: 100)
            let (store, after) = (self.deferral.store, query["after"].map(String.init))
            let states = query["status"].map { JobState.named(String($0)) } ?? []
            guard query["status"] == nil || !states.isEmpty else { throw Refusal.invalid("status is none of a job's", param: "status") }
            guard let (page, hasMore) = try await reading({ try store.jobs(tenant: nil, states: states, limit: limit, after: after) }) else {
                throw Refusal(404, .notFound, "there is no job \((after ?? "").quotedForMessage)")
            }
            return .json(QueueListing.json(page, hasMore: hasMore))
        }
        router.post("/api/queue/:id/cancel") { _, context -> Response in
            let id = try context.parameters.decoded("id")
            if let batch = try await self.deferral.cancelBatch(id, at: self.clock.now.wall) { return .json(BatchListing.json(batch, deliveries: [])) }
            guard let job = try await self.deferral.cancel(id, tenant: nil, at: self.clock.now.wall) else {
                throw Refusal(404, .notFound, "there is no job \(id.quotedForMessage)")
            }
            self.deferral.signals.nudgeDelivery()
            return .json(QueueListing.json(job))
        }
        router.post("/api/queue/:id/retry") { _, context -> Response in
            let id = try context.parameters.decoded("id")
            let (store, now) = (self.deferral.store, self.clock.now.wall)
            if let batch = try await self.deferral.retryBatch(id, at: now) { return .json(BatchListing.json(batch, deliveries: [])) }
            let job = try await withCheckedThrowingContinuation { waiting in store.retry(id, tenant: nil, at: now) { waiting.resume(with: $0) } }
            guard let job else { throw Refusal(404, .notFound, "there is no job \(id.quotedForMessage) that has failed, expired or was cancelled") }
            let waiting = try await self.deferral.holdForWindow(job, by: self.policy.live.policy, at: now)
            self.deferral.signals.nudge()
            return .json(QueueListing.json(waiting))
        }
    }

    private func addKeys(to router: some RouterMethods<APIContext>) {
        router.get("/api/keys") { _, _ -> Response in .json(try await self.actions.listKeys()) }
        router.post("/api/keys") { request, _ -> Response in
            let query = request.uri.queryParameters
            var request = request
            let body = Array(buffer: try await request.collected(upTo: 1 << 16))
            let fields = body.isEmpty ? nil : try? ObjectFields(body)
            guard let name = query["name"].map(String.init) ?? fields?.value("name")?.text, !name.isEmpty else {
                throw Refusal.invalid("name the key: POST /api/keys?name=NAME, or {\"name\": \"NAME\"}", param: "name")
            }
            return .json(try await self.actions.makeKey(name, query["tenant"].map(String.init) ?? fields?.value("tenant")?.text), status: .created)
        }
        router.delete("/api/keys/:name") { _, context -> Response in
            let name = try context.parameters.decoded("name")
            guard try await self.actions.revokeKey(name) else { throw Refusal(404, .notFound, "there is no key \(name.quotedForMessage)") }
            return .json(Array("{\"schema\":\"sluice.key_revoked/v1\",\"revoked\":true}".utf8))
        }
    }

    private func requests(_ request: Request) async throws -> Response {
        let query = request.uri.queryParameters
        var filter = LedgerFilter()
        filter.trafficClass = query["class"].map(String.init)
        filter.backend = query["backend"].map(String.init)
        filter.tenant = query["tenant"].map(String.init)
        filter.outcome = query["outcome"].map(String.init)
        filter.since = try AdminAPI.time(query["since"], "since")
        let limit = try AdminAPI.limit(query["limit"], else: 50)
        let (ledger, after, wanted) = (self.ledger, query["after"].map(String.init), filter)
        let requests = try await reading { try ledger.newestRequests(limit: limit + 1, after: after, filter: wanted) }
        return .json(RequestListing.json(requests.prefix(limit).map { $0 }, hasMore: requests.count > limit))
    }

    private func request(_ id: String) async throws -> Response {
        let ledger = self.ledger
        let rows = try await reading { try ledger.rows(ofRequest: id) }
        guard let explanation = PastRequest(rows) else { throw Refusal(404, .notFound, "the ledger has no request \(id.quotedForMessage)") }
        return .json(explanation.json)
    }

    /// The openings of the policy's windows from now on, for a week unless the query says otherwise.
    private func windows(next: Substring?) throws -> [UInt8] {
        guard let length = DurationText.parse(next ?? "7d"), length > .zero, length <= .seconds(3660 * 86_400) else {
            throw Refusal.invalid("`next` wants a duration such as 7d, and at most ten years", param: "next")
        }
        let now = self.clock.now.wall
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(WindowListing(of: self.policy.live.policy, in: now..<now + length)))
    }

    private func policyInForce() -> [UInt8] {
        let policy = self.policy.live.policy
        var json: [UInt8] = []
        json.append(text: "{\"schema\":\"sluice.policy_in_force/v1\",\"policy\":\"\(policy.revision)\",\"currency\":")
        json.append(jsonString: policy.currency)
        json.append(text: ",\"classes\":[")
        json.append(list: policy.classes.map { Array("\"\($0.name)\"".utf8) })
        json.append(text: "],\"backends\":[")
        json.append(list: policy.backends.map { Array("\"\($0.name)\"".utf8) })
        json.append(text: "]}")
        return json
    }
}

extension Parameters {
    /// A part of the path without its percent-encoding: names of keys may have any letter.
    fileprivate func decoded(_ name: String) throws -> String {
        guard let value = Substring(try self.require(name)).percentDecoded else { throw Refusal.invalid("the path is no percent-encoded UTF-8") }
        return value
    }
}

extension Deferral {
    /// nil where the id is no batch's.
    fileprivate func cancelBatch(_ id: String, at now: Timestamp) async throws -> Batch? {
        let batches = self.batches
        guard let (batch, running) = try await writing({ batches.cancelBatch(id, tenant: nil, at: now, then: $0) }) else { return nil }
        for job in running { self.drop(job) }
        self.signals.nudge()
        self.signals.nudgeDelivery()
        return batch
    }

    /// Lets a job that was armed again wait for the window of its class where that is closed, as it did at first.
    fileprivate func holdForWindow(_ job: Job, by policy: PolicySet, at now: Timestamp) async throws -> Job {
        guard job.state == .ready, job.rung != 1, let window = policy.trafficClass(named: job.trafficClass)?.during,
            let opening = policy.calendar.nextOpening(of: window, from: now)?.lowerBound, opening > now
        else { return job }
        let store = self.store
        var held = job
        (held.state, held.notBefore) = (.held, opening)
        let changed = held
        _ = try await writing { store.reclassify([changed], then: $0) }
        return try await reading { try store.job(job.id, tenant: nil) } ?? held
    }

    fileprivate func retryBatch(_ id: String, at now: Timestamp) async throws -> Batch? {
        let batches = self.batches
        guard let batch = try await writing({ batches.retryBatch(id, tenant: nil, at: now, then: $0) }) else { return nil }
        self.signals.nudge()
        return batch
    }
}
