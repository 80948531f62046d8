/// The export line of an entry, byte for byte: what the chain is hashed over (`ledger.md`, Proof).
///
/// A line is `{"schema":…,"seq":N,` + ``body(of:)`` + `,"prev_hash":"…","hash":"…"}`, the fields in the order of `outputs.md`, no
/// white space. `hash` is the SHA-256 of the line without its last member, so of `{"schema":…,"prev_hash":"…"}`.
package enum LedgerLine {
    package static let schema = "sluice.ledger/v1"

    /// Writes the line of an entry over what `line` held.
    ///
    /// - Parameter sha256: Hashes what `line` holds when it is called.
    package static func write(
        seq: Int64, body: [UInt8], previous: ChainHash, into line: inout [UInt8], sha256: ([UInt8]) -> ChainHash
    ) -> ChainHash {
        line.removeAll(keepingCapacity: true)
        line.append(text: "{\"schema\":\"sluice.ledger/v1\",\"seq\":")
        line.append(number: seq)
        line.append(UInt8(ascii: ","))
        line.append(contentsOf: body)
        line.append(text: ",\"prev_hash\":\"")
        line.append(hex: previous)
        line.append(text: "\"}")
        let hash = sha256(line)
        line.removeLast()
        line.append(text: ",\"hash\":\"")
        line.append(hex: hash)
        line.append(text: "\"}")
        return hash
    }

    /// The members from `kind` to `corrects`, without braces: everything but the entry's place in the chain.
    package static func body(of entry: LedgerEntry) -> [UInt8] {
        var json = JSONFields(capacity: 1280)
        let subject = entry.subject
        let target = entry.target
        let end = entry.settlement
        json.add("kind", entry.kind.rawValue)
        json.add("at", entry.at)
        json.add("request_id", subject?.requestID)
        json.add("attempt", entry.attempt)
        json.add("job_id", subject?.jobID)
        json.add("batch_id", subject?.batchID)
        json.add("custom_id", subject?.customID)
        json.add("tenant", subject?.tenant)
        json.add("key", subject?.key)
        json.add("class", subject?.trafficClass)
        json.add("route", subject?.route)
        let isCapacity = entry.kind == .capacity
        json.add("pool", isCapacity ? nil : target?.pool)
        json.add("backend", target?.backend)
        json.add("model", subject?.model)
        json.add("backend_model", isCapacity ? nil : target?.backendModel)
        json.add("model_served", end?.modelServed)
        json.add("serve", subject?.serve.rawValue)
        json.add("tier_requested", subject?.tierRequested)
        json.add("tier_served", end?.tierServed)
        json.add("policy", subject?.policy)
        json.add("rate_card", target?.rateCard)
        json.add("estimate", entry.estimate)
        json.add("tags", subject?.tags ?? [:])
        json.add("client_request_id", subject?.clientRequestID)
        json.add("unit_prices", end?.unitPrices, perRequest: end?.perRequest ?? .zero)
        json.add("usage", end?.usage)
        json.add("cost", end?.cost)
        json.add("cost_low", end?.costLow)
        json.add("cost_high", end?.costHigh)
        json.add("baseline", end?.baseline)
        json.add("currency", subject?.currency ?? entry.currency)
        json.add("outcome", isCapacity ? nil : end?.outcome.rawValue)
        json.add("status", end?.status)
        json.add("flags", end?.flags.map(\.rawValue) ?? [])
        json.add("provider_cost", end?.providerCost)
        json.add("evidence", end?.evidence.rawValue)
        json.add("queued_ms", end?.queued)
        json.add("first_token_ms", end?.firstToken)
        json.add("total_ms", end?.total)
        json.add("upstream_id", end?.upstreamID)
        json.add("levers", end?.levers)
        json.add("corrects", entry.corrects.map(Int.init))
        // Of few entries only: members that are not there are nil, so that older lines stay what they are.
        if let marginal = end?.marginalCost { json.add("marginal_cost", marginal) }
        if let capacity = entry.capacity { json.add("capacity", object: capacity.json) }
        if let before = entry.before { json.add("before", object: before.json) }
        return json.bytes
    }
}

extension LedgerEntry.Standing {
    fileprivate var json: JSONFields {
        var json = JSONFields(capacity: 512)
        json.add("kind", self.kind.rawValue)
        json.add("at", self.at)
        json.add("evidence", self.evidence.rawValue)
        json.add("usage", self.usage)
        json.add("unit_prices", self.unitPrices, perRequest: self.perRequest)
        json.add("cost", self.cost)
        return json
    }
}

extension LedgerEntry.Capacity {
    fileprivate var json: JSONFields {
        var json = JSONFields(capacity: 128)
        json.add("gpus", self.gpus)
        json.add("span_ms", self.span)
        json.add("busy_ms", self.busy)
        json.add("cost", self.cost)
        return json
    }
}
