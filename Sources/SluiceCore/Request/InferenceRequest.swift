/// What routing knows of one request: who asks, for what, and how patient they are. Never a word of the prompt.
package struct InferenceRequest: Sendable {
    package var endpoint: Endpoint
    /// The tenant's name.
    package var tenant: String
    /// The key's name; nil for a loopback client while there is no key.
    package var key: String?
    /// The model by the name that the client asked for.
    package var model: String
    package var isStream = false
    /// The client asked for the usage chunk of a stream.
    package var wantsUsage = false
    package var maxTokens: Int?
    /// Choices asked for: each may be as long as `maxTokens`.
    package var choices = 1
    /// The size of the prompt and the estimate made from it.
    package var promptBytes = 0
    package var inputTokens = 0
    /// Parts whose tokens cannot be told from their bytes: images, audio, files.
    package var hasMedia = false
    /// Headers that the policy's routes look at, by their names in lower case.
    package var headers: [String: String] = [:]
    /// `Sluice-Tags` and the string values of the body's `metadata`.
    package var tags: [String: String] = [:]
    /// In the provider's word.
    package var serviceTier: String?
    package var consent = Consent.none
    package var wishes = ClientWishes()

    package init(endpoint: Endpoint, tenant: String, model: String) {
        self.endpoint = endpoint
        self.tenant = tenant
        self.model = model
    }
}

/// Whether and how a client agreed to wait.
package enum Consent: Hashable, Sendable {
    case none
    /// `Prefer: respond-async`, with the seconds for which it would rather wait inline.
    case respondAsync(wait: Duration?)
    /// `Sluice-Deadline`.
    case deadline
    /// A `Sluice-Class` that waits.
    case waitingClass
    /// `service_tier: flex` or `batch`: the client waits on its connection.
    case tier
    /// `background: true` on `/v1/responses`.
    case background
    /// A line of a batch.
    case batch

    package var isGiven: Bool { self != .none }

    /// Whether the client understands a 202 with a job to poll.
    package var accepts202: Bool {
        switch self {
        case .respondAsync, .deadline, .waitingClass: true
        case .none, .tier, .background, .batch: false
        }
    }
}

/// What a client asked for in headers of its own (`contract.md`, Request headers).
package struct ClientWishes: Hashable, Sendable {
    package enum Deadline: Hashable, Sendable {
        case within(Duration)
        case at(Timestamp)
        /// The next time that the tenant's clock shows this second of the day.
        case clock(second: Int)
    }

    package var trafficClass: String?
    package var latency = LatencyBudget()
    /// A bare `Sluice-Latency-Budget`: the first token of a stream, the total of a whole answer.
    package var plainBudget: Duration?
    package var deadline: Deadline?
    package var maxCost: Money?
    /// When the client itself gives up (`x-stainless-read-timeout`).
    package var readTimeout: Duration?

    package init() {}
}
