extension LedgerLine {
    /// A line taken apart.
    package struct Parts: Sendable {
        package var seq: Int64
        package var entry: LedgerEntry
        package var previous: ChainHash
        package var hash: ChainHash
        /// What the hash is over: the line without its last member.
        package var hashed: [UInt8]
    }

    /// Reads a whole export line without its line break, and refuses what ``append(seq:body:previous:to:sha256:)`` would not have written:
    /// white space, members out of order, anything behind the hash.
    package static func read(_ line: [UInt8]) throws(LedgerLineError) -> Parts {
        try line.reading { bytes throws(LedgerLineError) in
            var fields = try LineFields(bytes, braces: true)
            guard try fields.text("schema") == self.schema else { throw LedgerLineError("not a line of \(self.schema)", at: 0) }
            guard let seq = try fields.integer("seq") else { throw LedgerLineError("no `seq`", at: 0) }
            let entry = try fields.entry()
            guard let previous = try fields.hash("prev_hash"), let hash = try fields.hash("hash") else {
                throw LedgerLineError("no `prev_hash` or `hash`", at: bytes.count)
            }
            // `,"hash":"` + 64 digits + `"}`
            let tail = bytes.count - 75
            guard tail > 0, bytes[tail...].starts(with: Array(",\"hash\":\"".utf8)) else {
                throw LedgerLineError("`hash` is not the last member", at: bytes.count)
            }
            try fields.finish()
            return Parts(seq: seq, entry: entry, previous: previous, hash: hash, hashed: bytes[..<tail] + [UInt8(ascii: "}")])
        }
    }

    /// Reads what ``body(of:)`` wrote.
    package static func read(body: [UInt8]) throws(LedgerLineError) -> LedgerEntry {
        try body.reading { bytes throws(LedgerLineError) in
            var fields = try LineFields(bytes, braces: false)
            let entry = try fields.entry()
            try fields.finish()
            return entry
        }
    }

    /// The members of a line in their order.
    static let members: [StaticString] = [
        "schema", "seq", "kind", "at", "request_id", "attempt", "job_id", "batch_id", "custom_id", "tenant", "key", "class", "route", "pool",
        "backend", "model", "backend_model", "model_served", "serve", "tier_requested", "tier_served", "policy", "rate_card", "estimate", "tags",
        "client_request_id", "unit_prices", "usage", "cost", "cost_low", "cost_high", "baseline", "currency", "outcome", "status", "flags",
        "provider_cost", "evidence", "queued_ms", "first_token_ms", "total_ms", "upstream_id", "levers", "corrects", "marginal_cost",
        "capacity", "before", "prev_hash", "hash",
    ]
}

/// Reads the members of one line by name, in order.
private struct LineFields {
    private var members: JSONMembers

    init(_ bytes: UnsafeBufferPointer<UInt8>, braces: Bool) throws(LedgerLineError) {
        var range = bytes.indices
        if braces {
            guard bytes.first == UInt8(ascii: "{"), bytes.last == UInt8(ascii: "}"), bytes.count > 1 else {
                throw LedgerLineError("not one object on one line", at: 0)
            }
            range = 1..<bytes.count - 1
        }
        self.members = JSONMembers(bytes, in: range, known: LedgerLine.members)
    }

    mutating func finish() throws(LedgerLineError) { try self.members.finish() }

    private mutating func value(_ name: StaticString) throws(LedgerLineError) -> Range<Int>? {
        guard let range = try self.members.value(name), !self.members.isEqual(range, "null") else { return nil }
        return range
    }

    mutating func text(_ name: StaticString) throws(LedgerLineError) -> String? {
        guard let range = try self.value(name) else { return nil }
        return try self.members.unquoted(range)
    }

    mutating func integer(_ name: StaticString) throws(LedgerLineError) -> Int64? {
        guard let range = try self.value(name) else { return nil }
        return try self.members.integer(range)
    }

    mutating func hash(_ name: StaticString) throws(LedgerLineError) -> ChainHash? {
        guard let range = try self.value(name) else { return nil }
        guard range.count == 66, let hash = ChainHash(hex: self.members.bytes[range.lowerBound + 1..<range.upperBound - 1]) else {
            throw LedgerLineError("not a hash", at: range.lowerBound)
        }
        return hash
    }

    private mutating func money(_ name: StaticString) throws(LedgerLineError) -> Money? {
        guard let range = try self.value(name) else { return nil }
        return try self.members.money(range)
    }

    private mutating func duration(_ name: StaticString) throws(LedgerLineError) -> Duration? {
        try self.integer(name).map(Duration.milliseconds)
    }

    private mutating func word<Word: RawRepresentable<String>>(_ name: StaticString) throws(LedgerLineError) -> Word? {
        guard let range = try self.value(name) else { return nil }
        guard let word = Word(rawValue: try self.members.unquoted(range)) else { throw LedgerLineError("an unknown word", at: range.lowerBound) }
        return word
    }
}

extension LineFields {
    fileprivate mutating func entry() throws(LedgerLineError) -> LedgerEntry {
        guard let kind: LedgerEntry.Kind = try self.word("kind"), let at = try self.text("at").flatMap({ Timestamp(rfc3339: $0) }) else {
            throw LedgerLineError("no `kind` or `at`", at: 0)
        }
        var entry = LedgerEntry(kind: kind, at: at, subject: nil, attempt: nil, target: nil, estimate: nil)
        var end = LedgerEntry.Settlement(outcome: .unknown, status: nil, evidence: .unpriced)
        let requestID = try self.text("request_id")
        entry.attempt = try self.integer("attempt").map { Int($0) }
        let jobID = try self.text("job_id")
        let batchID = try self.text("batch_id")
        let customID = try self.text("custom_id")
        let tenant = try self.text("tenant")
        let key = try self.text("key")
        let trafficClass = try self.text("class")
        let route = try self.text("route")
        let pool = try self.text("pool")
        let backend = try self.text("backend")
        let model = try self.text("model")
        let backendModel = try self.text("backend_model")
        end.modelServed = try self.text("model_served")
        let serve: TrafficClass.Serve? = try self.word("serve")
        let tierRequested = try self.text("tier_requested")
        end.tierServed = try self.text("tier_served")
        let policy = try self.text("policy")
        let rateCard = try self.text("rate_card")
        entry.estimate = try self.money("estimate")
        let tags = try self.tags()
        let clientRequestID = try self.text("client_request_id")
        (end.unitPrices, end.perRequest) = try self.unitPrices()
        end.usage = try self.usage()
        end.cost = try self.money("cost")
        end.costLow = try self.money("cost_low")
        end.costHigh = try self.money("cost_high")
        end.baseline = try self.money("baseline")
        let currency = try self.text("currency")
        let outcome: LedgerEntry.Outcome? = try self.word("outcome")
        end.status = try self.integer("status").map { Int($0) }
        end.flags = try self.flags()
        end.providerCost = try self.money("provider_cost")
        let evidence: LedgerEntry.Evidence? = try self.word("evidence")
        end.queued = try self.duration("queued_ms")
        end.firstToken = try self.duration("first_token_ms")
        end.total = try self.duration("total_ms")
        end.upstreamID = try self.text("upstream_id")
        end.levers = try self.levers()
        entry.corrects = try self.integer("corrects")
        end.marginalCost = try self.money("marginal_cost")
        entry.capacity = try self.capacity()
        entry.before = try self.standing()
        if let evidence {
            end.evidence = evidence
            end.outcome = outcome ?? .unknown
            entry.settlement = end
        }
        if requestID == nil { entry.currency = currency }
        if let backend { entry.target = .init(pool: pool ?? backend, backend: backend, backendModel: backendModel ?? "", rateCard: rateCard) }
        if let requestID {
            entry.subject = LedgerEntry.Subject(
                requestID: requestID, jobID: jobID, batchID: batchID, customID: customID, clientRequestID: clientRequestID, tenant: tenant ?? "",
                key: key, trafficClass: trafficClass ?? "", route: route ?? "", model: model ?? "", serve: serve ?? .now,
                tierRequested: tierRequested, policy: policy ?? "", tags: tags, currency: currency ?? "")
        }
        return entry
    }

    private mutating func tags() throws(LedgerLineError) -> [String: String] {
        guard let range = try self.value("tags") else { return [:] }
        return try self.members.texts(range)
    }

    private mutating func usage() throws(LedgerLineError) -> TokenUsage? {
        guard let range = try self.value("usage") else { return nil }
        return try self.members.usage(range)
    }

    private mutating func unitPrices() throws(LedgerLineError) -> (UnitPrices?, Money) {
        guard let range = try self.value("unit_prices") else { return (nil, .zero) }
        return try LineFields.unitPrices(range, in: self.members)
    }

    private static func unitPrices(_ range: Range<Int>, in members: JSONMembers) throws(LedgerLineError) -> (UnitPrices?, Money) {
        var prices = PerTokenClass<UnitPrice?>(repeating: nil)
        var perRequest = Money.zero
        var inner = try members.object(range)
        while let (name, value) = try inner.next() {
            if inner.isEqual(name, "per_request") {
                perRequest = try inner.money(value)
            } else if let tokenClass = TokenClass(name: try inner.string(name)) {
                guard let price = UnitPrice(perMillion: try inner.unquoted(value)) else { throw LedgerLineError("not a price", at: value.lowerBound) }
                prices[tokenClass] = price
            }
        }
        return (UnitPrices(prices), perRequest)
    }

    private mutating func levers() throws(LedgerLineError) -> LedgerEntry.Levers? {
        guard let range = try self.value("levers") else { return nil }
        var levers = LedgerEntry.Levers.zero
        var inner = try self.members.object(range)
        while let (name, value) = try inner.next() {
            let amount = try inner.money(value)
            if inner.isEqual(name, "model") { levers.model = amount }
            if inner.isEqual(name, "backend") { levers.backend = amount }
            if inner.isEqual(name, "lane") { levers.lane = amount }
            if inner.isEqual(name, "window") { levers.window = amount }
            if inner.isEqual(name, "cache") { levers.cache = amount }
        }
        return levers
    }

    private mutating func standing() throws(LedgerLineError) -> LedgerEntry.Standing? {
        guard let range = try self.value("before") else { return nil }
        var standing = LedgerEntry.Standing(kind: .settled, at: .distantPast, evidence: .unpriced)
        var inner = try self.members.object(range)
        while let (name, value) = try inner.next() {
            if inner.isEqual(value, "null") { continue }
            if inner.isEqual(name, "kind") { standing.kind = LedgerEntry.Kind(rawValue: try inner.unquoted(value)) ?? .settled }
            if inner.isEqual(name, "at") { standing.at = Timestamp(rfc3339: try inner.unquoted(value)) ?? .distantPast }
            if inner.isEqual(name, "evidence") { standing.evidence = LedgerEntry.Evidence(rawValue: try inner.unquoted(value)) ?? .unpriced }
            if inner.isEqual(name, "usage") { standing.usage = try inner.usage(value) }
            if inner.isEqual(name, "unit_prices") { (standing.unitPrices, standing.perRequest) = try LineFields.unitPrices(value, in: inner) }
            if inner.isEqual(name, "cost") { standing.cost = try inner.money(value) }
        }
        return standing
    }

    private mutating func capacity() throws(LedgerLineError) -> LedgerEntry.Capacity? {
        guard let range = try self.value("capacity") else { return nil }
        var capacity = LedgerEntry.Capacity(gpus: 0, span: .zero, busy: .zero, cost: .zero)
        var inner = try self.members.object(range)
        while let (name, value) = try inner.next() {
            if inner.isEqual(name, "gpus") { capacity.gpus = Int(try inner.integer(value)) }
            if inner.isEqual(name, "span_ms") { capacity.span = .milliseconds(try inner.integer(value)) }
            if inner.isEqual(name, "busy_ms") { capacity.busy = .milliseconds(try inner.integer(value)) }
            if inner.isEqual(name, "cost") { capacity.cost = try inner.money(value) }
        }
        return capacity
    }

    /// A flag of a later version is left out: what it says is not lost, since the line stands.
    private mutating func flags() throws(LedgerLineError) -> [LedgerEntry.Flag] {
        guard let range = try self.value("flags") else { return [] }
        return try self.members.strings(range).compactMap(LedgerEntry.Flag.init(rawValue:))
    }
}
