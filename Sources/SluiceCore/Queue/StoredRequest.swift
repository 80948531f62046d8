/// A request as it is kept on disk while it waits: a JSON object, as ``JSONFields`` writes it.
///
/// What one release has written the next one must read: a member is added at the end and never renamed, whatever becomes of the type in memory,
/// and one that is missing has the value that the type has at first.
package enum StoredRequest {
    package static func text(of request: InferenceRequest) -> [UInt8] {
        var json = JSONFields(capacity: 512)
        json.add("endpoint", request.endpoint.name)
        json.add("tenant", request.tenant)
        json.add("key", request.key)
        json.add("model", request.model)
        json.add("stream", request.isStream ? 1 : 0)
        json.add("wants_usage", request.wantsUsage ? 1 : 0)
        json.add("max_tokens", request.maxTokens)
        json.add("choices", request.choices)
        json.add("prompt_bytes", request.promptBytes)
        json.add("input_tokens", request.inputTokens)
        json.add("has_media", request.hasMedia ? 1 : 0)
        json.add("headers", request.headers)
        json.add("tags", request.tags)
        json.add("service_tier", request.serviceTier)
        self.write(request.consent, into: &json)
        self.write(request.wishes, into: &json)
        return json.object
    }

    private static func write(_ consent: Consent, into json: inout JSONFields) {
        switch consent {
        case .none: json.add("consent", "none")
        case .respondAsync(let wait):
            json.add("consent", "respond-async")
            json.add("consent_wait_ms", wait)
        case .deadline: json.add("consent", "deadline")
        case .waitingClass: json.add("consent", "class")
        case .tier: json.add("consent", "tier")
        case .background: json.add("consent", "background")
        case .batch: json.add("consent", "batch")
        }
    }

    private static func write(_ wishes: ClientWishes, into json: inout JSONFields) {
        json.add("wish_class", wishes.trafficClass)
        json.add("wish_first_token_ms", wishes.latency.firstToken)
        json.add("wish_total_ms", wishes.latency.total)
        json.add("wish_plain_budget_ms", wishes.plainBudget)
        switch wishes.deadline {
        case .within(let duration): json.add("wish_deadline_within_ms", duration)
        case .at(let instant): json.add("wish_deadline_at_ms", Int(instant.milliseconds))
        case .clock(let second): json.add("wish_deadline_clock_s", second)
        case nil: break
        }
        json.add("wish_max_cost", wishes.maxCost)
        json.add("wish_read_timeout_ms", wishes.readTimeout)
    }

    package static func read(_ text: [UInt8]) throws(LedgerLineError) -> InferenceRequest {
        try text.reading { bytes throws(LedgerLineError) in
            let inside = try JSONMembers.inside(bytes.indices, of: bytes)
            var fields = StoredFields(members: JSONMembers(bytes, in: inside, known: StoredRequest.names))
            return try fields.request()
        }
    }

    /// All members in the order in which they are written; a later one goes to the end. `prefix` is written no more.
    private static let names: [StaticString] = [
        "endpoint", "tenant", "key", "model", "stream", "wants_usage", "max_tokens", "choices", "prompt_bytes", "input_tokens", "has_media", "prefix",
        "headers", "tags", "service_tier", "consent", "consent_wait_ms", "wish_class", "wish_first_token_ms", "wish_total_ms", "wish_plain_budget_ms",
        "wish_deadline_within_ms", "wish_deadline_at_ms", "wish_deadline_clock_s", "wish_max_cost", "wish_read_timeout_ms",
    ]
}

/// Reads the members of a stored request, in their order.
private struct StoredFields {
    private var members: JSONMembers

    init(members: JSONMembers) {
        self.members = members
    }

    private mutating func value(_ name: StaticString) throws(LedgerLineError) -> Range<Int>? {
        guard let range = try self.members.value(name) else { return nil }
        return self.members.isEqual(range, "null") ? nil : range
    }

    private mutating func text(_ name: StaticString) throws(LedgerLineError) -> String? {
        guard let range = try self.value(name) else { return nil }
        return try self.members.unquoted(range)
    }

    private mutating func integer(_ name: StaticString) throws(LedgerLineError) -> Int? {
        guard let range = try self.value(name) else { return nil }
        return Int(try self.members.integer(range))
    }

    private mutating func duration(_ name: StaticString) throws(LedgerLineError) -> Duration? { try self.integer(name).map { .milliseconds($0) } }

    private mutating func map(_ name: StaticString) throws(LedgerLineError) -> [String: String] {
        guard let range = try self.value(name), !self.members.isEqual(range, "{}") else { return [:] }
        return try self.members.texts(range)
    }

    mutating func request() throws(LedgerLineError) -> InferenceRequest {
        let endpoint = try self.text("endpoint").flatMap { Endpoint(name: $0) }
        let tenant = try self.text("tenant")
        let key = try self.text("key")
        guard let endpoint, let tenant, let model = try self.text("model") else {
            throw LedgerLineError("a stored request without an endpoint that is known, a tenant or a model", at: 0)
        }
        var request = InferenceRequest(endpoint: endpoint, tenant: tenant, model: model)
        request.key = key
        request.isStream = try self.integer("stream") == 1
        request.wantsUsage = try self.integer("wants_usage") == 1
        request.maxTokens = try self.integer("max_tokens")
        request.choices = try self.integer("choices") ?? 1
        request.promptBytes = try self.integer("prompt_bytes") ?? 0
        request.inputTokens = try self.integer("input_tokens") ?? 0
        request.hasMedia = try self.integer("has_media") == 1
        request.headers = try self.map("headers")
        request.tags = try self.map("tags")
        request.serviceTier = try self.text("service_tier")
        request.consent = try self.consent()
        request.wishes = try self.wishes()
        return request
    }

    private mutating func consent() throws(LedgerLineError) -> Consent {
        switch try self.text("consent") {
        case "respond-async": .respondAsync(wait: try self.duration("consent_wait_ms"))
        case "deadline": .deadline
        case "class": .waitingClass
        case "tier": .tier
        case "background": .background
        case "batch": .batch
        default: .none
        }
    }

    private mutating func wishes() throws(LedgerLineError) -> ClientWishes {
        var wishes = ClientWishes()
        wishes.trafficClass = try self.text("wish_class")
        wishes.latency.firstToken = try self.duration("wish_first_token_ms")
        wishes.latency.total = try self.duration("wish_total_ms")
        wishes.plainBudget = try self.duration("wish_plain_budget_ms")
        if let within = try self.duration("wish_deadline_within_ms") { wishes.deadline = .within(within) }
        if let at = try self.integer("wish_deadline_at_ms") { wishes.deadline = .at(Timestamp(milliseconds: Int64(at))) }
        if let second = try self.integer("wish_deadline_clock_s") { wishes.deadline = .clock(second: second) }
        wishes.maxCost = try self.text("wish_max_cost").flatMap { Money($0) }
        wishes.readTimeout = try self.duration("wish_read_timeout_ms")
        return wishes
    }
}
