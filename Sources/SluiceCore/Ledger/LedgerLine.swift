/// The export line of an entry, byte for byte: what the chain is hashed over (`ledger.md`, Proof).
///
/// A line is `{"schema":…,"seq":N,` + ``body(of:)`` + `,"prev_hash":"…","hash":"…"}`, the fields in the order of `outputs.md`, no
/// white space. `hash` is the SHA-256 of the line without its last member, so of `{"schema":…,"prev_hash":"…"}`.
package enum LedgerLine {
    package static let schema = "sluice.ledger/v1"

    /// Appends the line of an entry.
    ///
    /// - Returns: Its hash.
    package static func append(
        seq: Int64, body: [UInt8], previous: ChainHash, to lines: inout [UInt8], sha256: (UnsafeRawBufferPointer) -> ChainHash
    ) -> ChainHash {
        let start = lines.count
        lines.append(atMost: body.count + self.longestPlace) { out in
            self.writeFront(seq: seq, into: &out)
            out.write(body)
            self.writeBack(previous: previous, into: &out)
        }
        let hash = lines.withUnsafeBytes { sha256(UnsafeRawBufferPointer(rebasing: $0[start...])) }
        lines.removeLast()
        lines.append(atMost: 80) { out in
            out.write(",\"hash\":\"")
            out.write(hash)
            out.write("\"}")
        }
        return hash
    }

    /// What a place in the chain takes beside the body: no more than ``longestPlace``.
    static func writeFront(seq: Int64, into out: inout ByteWriter) {
        out.write("{\"schema\":\"sluice.ledger/v1\",\"seq\":")
        out.write(number: seq)
        out.write(UInt8(ascii: ","))
    }

    static func writeBack(previous: ChainHash, into out: inout ByteWriter) {
        out.write(",\"prev_hash\":\"")
        out.write(previous)
        out.write("\"}")
    }

    static let longestPlace = 144

    /// The members from `kind` to `corrects`, without braces: everything but the entry's place in the chain.
    package static func body(of entry: LedgerEntry) -> [UInt8] {
        [UInt8](atMost: self.longestBody(of: entry)) { self.write(entry, into: &$0) }
    }

    static func write(_ entry: LedgerEntry, into json: inout ByteWriter) {
        self.writeBeginning(of: entry, into: &json)
        if let ended = entry.ended {
            self.writeEnd(ended, of: entry, into: &json)
        } else {
            self.writeNoEnd(currency: entry.subject?.currency ?? entry.currency, into: &json)
        }
        json.member("corrects", entry.corrects.map(Int.init))
        if json.isShort {
            json.write(UInt8(ascii: "\n"))
            json.isShort = false
        }
        // Of few entries only: members that are not there are nil, so that older lines stay what they are.
        if let marginal = entry.ended?.settlement.marginalCost { json.member("marginal_cost", marginal) }
        if let capacity = entry.capacity { json.member("capacity", capacity) }
        if let before = entry.before { json.member("before", before) }
    }

    private static func writeBeginning(of entry: LedgerEntry, into json: inout ByteWriter) {
        (entry.subject ?? .nobody).writeBeginning(of: entry, at: entry.target ?? .nowhere, into: &json)
    }

    private static func writeEnd(_ ended: LedgerEntry.Ended, of entry: LedgerEntry, into json: inout ByteWriter) {
        json.member("unit_prices", ended.settlement.unitPrices, perRequest: ended.settlement.perRequest)
        json.member("usage", ended.settlement.usage)
        json.member("cost", ended.settlement.cost)
        json.member("cost_low", ended.settlement.costLow)
        json.member("cost_high", ended.settlement.costHigh)
        json.member("baseline", ended.settlement.baseline)
        json.member("currency", entry.subject?.currency ?? entry.currency)
        json.member("outcome", entry.kind == .capacity ? nil : ended.settlement.outcome.rawValue)
        json.member("status", ended.settlement.status)
        json.name("flags")
        json.list(open: "[", close: "]", ended.settlement.flags) { out, flag in out.write(jsonString: flag.rawValue) }
        json.member("provider_cost", ended.settlement.providerCost)
        json.member("evidence", ended.settlement.evidence.rawValue)
        json.member("queued_ms", ended.settlement.queued)
        json.member("first_token_ms", ended.settlement.firstToken)
        json.member("total_ms", ended.settlement.total)
        json.member("upstream_id", ended.settlement.upstreamID)
        json.member("levers", ended.settlement.levers)
    }

    /// The same members of an entry that ends nothing.
    private static func writeNoEnd(currency: String?, into json: inout ByteWriter) {
        json.write(
            json.isShort
                ? "\n\n\n\n\n\n"
                : ",\"unit_prices\":null,\"usage\":null,\"cost\":null,\"cost_low\":null,\"cost_high\":null,\"baseline\":null")
        json.member("currency", currency)
        json.write(
            json.isShort
                ? "\n\n\n[]\n\n\n\n\n\n\n"
                : """
                ,"outcome":null,"status":null,"flags":[],"provider_cost":null,"evidence":null,"queued_ms":null,"first_token_ms":null,"total_ms":null\
                ,"upstream_id":null,"levers":null
                """)
    }

    /// What the body takes at most: every byte of its texts escaped, and room for names, numbers and words.
    static func longestBody(of entry: LedgerEntry) -> Int {
        (entry.before == nil ? 2400 : 3600) + 6 * ((entry.subject?.textBytes ?? 0) + (entry.target?.textBytes ?? 0) + (entry.ended?.textBytes ?? 0))
            + (entry.subject?.tags.longestJSON ?? 0)
    }
}

extension LedgerEntry.Subject {
    /// Of a row that is about no request.
    fileprivate static let nobody = LedgerEntry.Subject(
        requestID: "", tenant: "", key: nil, trafficClass: "", route: "", model: "", serve: .now, tierRequested: nil, policy: "", tags: [:], currency: "")

    /// Writes the members from `kind` to `client_request_id`; what is said of a request is null in a row that is about none.
    // A method of what has the texts, and not in place: read through an optional each of them would be retained for it.
    @inline(never)
    fileprivate func writeBeginning(of entry: LedgerEntry, at target: LedgerEntry.Target, into json: inout ByteWriter) {
        let isThere = entry.subject != nil
        let isPlaced = entry.target != nil && entry.kind != .capacity
        json.member("kind", entry.kind.rawValue)
        json.member("at", entry.at)
        json.member("request_id", self.requestID, if: isThere)
        json.member("attempt", entry.attempt)
        json.member("job_id", self.jobID)
        json.member("batch_id", self.batchID)
        json.member("custom_id", self.customID)
        json.member("tenant", self.tenant, if: isThere)
        json.member("key", self.key)
        json.member("class", self.trafficClass, if: isThere)
        json.member("route", self.route, if: isThere)
        json.member("pool", target.pool, if: isPlaced)
        json.member("backend", target.backend, if: entry.target != nil)
        json.member("model", self.model, if: isThere)
        json.member("backend_model", target.backendModel, if: isPlaced)
        json.member("model_served", entry.ended?.settlement.modelServed)
        json.member("serve", self.serve.rawValue, if: isThere)
        json.member("tier_requested", self.tierRequested)
        json.member("tier_served", entry.ended?.settlement.tierServed)
        json.member("policy", self.policy, if: isThere)
        json.member("rate_card", target.rateCard)
        json.member("estimate", entry.estimate)
        json.member("tags", self.tags)
        json.member("client_request_id", self.clientRequestID)
    }

    fileprivate var textBytes: Int {
        self.requestID.utf8.count + self.jobID.bytes + self.batchID.bytes + self.customID.bytes + self.clientRequestID.bytes
            + self.tenant.utf8.count + self.key.bytes + self.trafficClass.utf8.count + self.route.utf8.count + self.model.utf8.count
            + self.tierRequested.bytes + self.policy.utf8.count + self.currency.utf8.count
    }
}

extension LedgerEntry.Target {
    fileprivate static let nowhere = LedgerEntry.Target(pool: "", backend: "", backendModel: "", rateCard: nil)

    fileprivate var textBytes: Int {
        self.pool.utf8.count + self.backend.utf8.count + self.backendModel.utf8.count + self.rateCard.bytes
    }
}

extension LedgerEntry.Ended {
    fileprivate var textBytes: Int { self.settlement.modelServed.bytes + self.settlement.tierServed.bytes + self.settlement.upstreamID.bytes }
}

extension String? {
    fileprivate var bytes: Int { self?.utf8.count ?? 0 }
}

extension ByteWriter {
    fileprivate mutating func member(_ name: StaticString, _ before: LedgerEntry.Standing) {
        self.name(name)
        self.write("{\"kind\":")
        self.write(jsonString: before.kind.rawValue)
        self.member("at", before.at)
        self.member("evidence", before.evidence.rawValue)
        self.member("usage", before.usage)
        self.member("unit_prices", before.unitPrices, perRequest: before.perRequest)
        self.member("cost", before.cost)
        self.write("}")
    }

    fileprivate mutating func member(_ name: StaticString, _ capacity: LedgerEntry.Capacity) {
        self.name(name)
        self.write("{\"gpus\":")
        self.write(number: Int64(capacity.gpus))
        self.member("span_ms", capacity.span)
        self.member("busy_ms", capacity.busy)
        self.member("cost", capacity.cost)
        self.write("}")
    }
}
