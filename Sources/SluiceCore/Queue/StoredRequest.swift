/// A request as it is kept on disk while it waits.
///
/// Spelled out beside ``InferenceRequest``, since what a release has written the next one must read: a field is added as an optional and never
/// renamed, whatever becomes of the type in memory.
package struct StoredRequest: Codable, Sendable {
    private var endpoint: String
    private var tenant: String
    private var key: String?
    private var model: String
    private var isStream: Bool?
    private var wantsUsage: Bool?
    private var maxTokens: Int?
    private var choices: Int?
    private var promptBytes: Int?
    private var inputTokens: Int?
    private var hasMedia: Bool?
    private var prefix: UInt64?
    private var headers: [String: String]?
    private var tags: [String: String]?
    private var serviceTier: String?
    fileprivate var consent: Agreement?
    fileprivate var wishes: Wishes?

    fileprivate struct Agreement: Codable {
        var kind: String
        var wait_ms: Int64?
    }

    fileprivate struct Wishes: Codable {
        var trafficClass: String?
        var firstToken_ms: Int64?
        var total_ms: Int64?
        var plainBudget_ms: Int64?
        var deadlineWithin_ms: Int64?
        var deadlineAt_ms: Int64?
        var deadlineClock_s: Int?
        var maxCost: String?
        var readTimeout_ms: Int64?
    }

    package init(_ request: InferenceRequest) {
        self.endpoint = request.endpoint.name
        self.tenant = request.tenant
        self.key = request.key
        self.model = request.model
        self.isStream = request.isStream
        self.wantsUsage = request.wantsUsage
        self.maxTokens = request.maxTokens
        self.choices = request.choices
        self.promptBytes = request.promptBytes
        self.inputTokens = request.inputTokens
        self.hasMedia = request.hasMedia
        self.prefix = request.prefix
        self.headers = request.headers
        self.tags = request.tags
        self.serviceTier = request.serviceTier
        self.consent = Agreement(request.consent)
        self.wishes = Wishes(request.wishes)
    }

    /// nil where it names an endpoint that this program does not know.
    package var request: InferenceRequest? {
        guard let endpoint = Endpoint(name: self.endpoint) else { return nil }
        var request = InferenceRequest(endpoint: endpoint, tenant: self.tenant, model: self.model)
        request.key = self.key
        request.isStream = self.isStream ?? false
        request.wantsUsage = self.wantsUsage ?? false
        request.maxTokens = self.maxTokens
        request.choices = self.choices ?? 1
        request.promptBytes = self.promptBytes ?? 0
        request.inputTokens = self.inputTokens ?? 0
        request.hasMedia = self.hasMedia ?? false
        request.prefix = self.prefix ?? 0
        request.headers = self.headers ?? [:]
        request.tags = self.tags ?? [:]
        request.serviceTier = self.serviceTier
        request.consent = self.consent?.consent ?? .none
        request.wishes = self.wishes?.wishes ?? ClientWishes()
        return request
    }
}

extension StoredRequest.Agreement {
    fileprivate init(_ consent: Consent) {
        switch consent {
        case .none: self.kind = "none"
        case .respondAsync(let wait):
            self.kind = "respond-async"
            self.wait_ms = wait?.milliseconds
        case .deadline: self.kind = "deadline"
        case .waitingClass: self.kind = "class"
        case .tier: self.kind = "tier"
        case .background: self.kind = "background"
        case .batch: self.kind = "batch"
        }
    }

    fileprivate var consent: Consent {
        switch self.kind {
        case "respond-async": .respondAsync(wait: self.wait_ms.map(Duration.milliseconds))
        case "deadline": .deadline
        case "class": .waitingClass
        case "tier": .tier
        case "background": .background
        case "batch": .batch
        default: .none
        }
    }
}

extension StoredRequest.Wishes {
    fileprivate init(_ wishes: ClientWishes) {
        self.trafficClass = wishes.trafficClass
        self.firstToken_ms = wishes.latency.firstToken?.milliseconds
        self.total_ms = wishes.latency.total?.milliseconds
        self.plainBudget_ms = wishes.plainBudget?.milliseconds
        switch wishes.deadline {
        case .within(let duration): self.deadlineWithin_ms = duration.milliseconds
        case .at(let instant): self.deadlineAt_ms = instant.milliseconds
        case .clock(let second): self.deadlineClock_s = second
        case nil: break
        }
        self.maxCost = wishes.maxCost?.description
        self.readTimeout_ms = wishes.readTimeout?.milliseconds
    }

    fileprivate var wishes: ClientWishes {
        var wishes = ClientWishes()
        wishes.trafficClass = self.trafficClass
        wishes.latency.firstToken = self.firstToken_ms.map(Duration.milliseconds)
        wishes.latency.total = self.total_ms.map(Duration.milliseconds)
        wishes.plainBudget = self.plainBudget_ms.map(Duration.milliseconds)
        if let within = self.deadlineWithin_ms { wishes.deadline = .within(.milliseconds(within)) }
        if let at = self.deadlineAt_ms { wishes.deadline = .at(Timestamp(milliseconds: at)) }
        if let second = self.deadlineClock_s { wishes.deadline = .clock(second: second) }
        wishes.maxCost = self.maxCost.flatMap { Money($0) }
        wishes.readTimeout = self.readTimeout_ms.map(Duration.milliseconds)
        return wishes
    }
}
