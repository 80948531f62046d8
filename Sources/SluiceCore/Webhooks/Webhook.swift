/// Where a tenant wants to be told of ends, by Standard Webhooks 1.0.
package struct WebhookEndpoint: Sendable {
    /// `we_…`.
    package var id: String
    package var tenant: String
    package var name: String
    package var url: String
    package var events: [WebhookEvent]
    /// 24 to 64 bytes each, the newest first; an older one signs along for a day after a rotation.
    package var secrets: [Secret]
    package var created: Timestamp
    package var isEnabled = true

    package struct Secret: Hashable, Sendable {
        package var bytes: [UInt8]
        /// nil for the one in force.
        package var expires: Timestamp?

        package init(bytes: [UInt8], expires: Timestamp?) {
            self.bytes = bytes
            self.expires = expires
        }
    }

    package init(id: String, tenant: String, name: String, url: String, events: [WebhookEvent], secrets: [Secret], created: Timestamp) {
        self.id = id
        self.tenant = tenant
        self.name = name
        self.url = url
        self.events = events
        self.secrets = secrets
        self.created = created
    }
}

package enum WebhookEvent: String, Sendable, CaseIterable {
    case batchCompleted = "batch.completed"
    case batchFailed = "batch.failed"
    case batchExpired = "batch.expired"
    case batchCancelled = "batch.cancelled"
    case responseCompleted = "response.completed"
    case responseFailed = "response.failed"
    case responseIncomplete = "response.incomplete"
    case responseCancelled = "response.cancelled"
}

/// One event for one endpoint, until it is delivered or given up.
package struct WebhookDelivery: Sendable {
    package enum State: String, Sendable {
        case pending, delivered
        case givenUp = "given_up"
    }

    package var id: Int64
    /// `evt_…`; the same in every attempt and for every endpoint.
    package var event: String
    package var type: WebhookEvent
    package var endpoint: WebhookEndpoint
    /// What it is about: `batch_…` or `resp_…`.
    package var subject: String
    package var body: [UInt8]
    package var state: State
    package var attempts: Int
    package var due: Timestamp
    package var lastError: String?

    package init(
        id: Int64, event: String, type: WebhookEvent, endpoint: WebhookEndpoint, subject: String, body: [UInt8], state: State, attempts: Int,
        due: Timestamp, lastError: String?
    ) {
        self.id = id
        self.event = event
        self.type = type
        self.endpoint = endpoint
        self.subject = subject
        self.body = body
        self.state = state
        self.attempts = attempts
        self.due = due
        self.lastError = lastError
    }
}

/// Endpoints and the outbox. Deliveries are queued by the transactions that end batches and background responses.
package protocol WebhookStore: Sendable {
    typealias Completion<Value> = @Sendable (Result<Value, StoreError>) -> Void

    func add(_ endpoint: WebhookEndpoint, then: @escaping Completion<Void>)
    /// Replaces name, address, events, secrets and whether it is enabled; false where there is none.
    func update(_ endpoint: WebhookEndpoint, then: @escaping Completion<Bool>)
    /// Deletes an endpoint with what waits for it; false where there is none of that tenant.
    func deleteEndpoint(_ id: String, tenant: String, then: @escaping Completion<Bool>)
    /// Queues an event for one endpoint by itself (`/test`).
    func queue(_ event: String, _ type: WebhookEvent, body: [UInt8], to endpoint: String, at now: Timestamp, then: @escaping Completion<Bool>)

    /// Books an attempt: `next` is when it is tried again, nil where it is over.
    func book(
        _ delivery: Int64, as state: WebhookDelivery.State, error: String?, next: Timestamp?, at now: Timestamp, then: @escaping Completion<Void>)

    // MARK: Reading, which blocks

    func endpoint(_ id: String, tenant: String) throws(StoreError) -> WebhookEndpoint?
    func endpoints(tenant: String, page: PageRequest) throws(StoreError) -> Page<WebhookEndpoint>?
    /// The oldest that are due, and when the next one will be.
    func dueDeliveries(at now: Timestamp, limit: Int) throws(StoreError) -> (due: [WebhookDelivery], next: Timestamp?)
    /// The newest of all, for `sluice queue deliveries`.
    func deliveries(limit: Int) throws(StoreError) -> [WebhookDelivery]
    /// Of one batch or response, for `sluice queue show`.
    func deliveries(about subject: String) throws(StoreError) -> [WebhookDelivery]
}
