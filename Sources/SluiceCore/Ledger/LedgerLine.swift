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
        json.add("pool", target?.pool)
        json.add("backend", target?.backend)
        json.add("model", subject?.model)
        json.add("backend_model", target?.backendModel)
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
        json.add("currency", subject?.currency)
        json.add("outcome", end?.outcome.rawValue)
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
        return json.bytes
    }
}

/// Writes members of one JSON object in order, with every byte decided here: the chain depends on it.
package struct JSONFields {
    package private(set) var bytes: [UInt8] = []

    package init(capacity: Int) {
        self.bytes.reserveCapacity(capacity)
    }

    private mutating func name(_ name: StaticString) {
        if !self.bytes.isEmpty { self.bytes.append(UInt8(ascii: ",")) }
        self.bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { self.bytes.append(contentsOf: $0) }
        self.bytes.append(UInt8(ascii: "\""))
        self.bytes.append(UInt8(ascii: ":"))
    }

    private mutating func null() { self.bytes.append(text: "null") }

    package mutating func add(_ name: StaticString, _ value: String?) {
        self.name(name)
        if let value { self.bytes.append(jsonString: value) } else { self.null() }
    }

    package mutating func add(_ name: StaticString, _ value: Int?) {
        self.name(name)
        if let value { self.bytes.append(number: Int64(value)) } else { self.null() }
    }

    package mutating func add(_ name: StaticString, _ value: Timestamp) {
        self.name(name)
        self.bytes.append(UInt8(ascii: "\""))
        value.write(into: &self.bytes)
        self.bytes.append(UInt8(ascii: "\""))
    }

    package mutating func add(_ name: StaticString, _ value: Duration?) { self.add(name, value.map { Int($0.milliseconds) }) }

    package mutating func add(_ name: StaticString, _ value: Money?) {
        self.name(name)
        if let value { self.bytes.append(money: value) } else { self.null() }
    }

    package mutating func add(_ name: StaticString, _ value: MoneySum) {
        self.name(name)
        self.bytes.append(UInt8(ascii: "\""))
        self.bytes.append(decimal: value.pico, decimals: 12)
        self.bytes.append(UInt8(ascii: "\""))
    }

    package mutating func add(_ name: StaticString, _ value: [(name: String, count: Int)]) {
        self.name(name)
        self.list(open: "{", close: "}", value.lazy.filter { $0.count != 0 }) { bytes, item in
            bytes.append(member: item.name)
            bytes.append(number: Int64(item.count))
        }
    }

    package mutating func add(_ name: StaticString, _ value: [String]) {
        self.name(name)
        self.list(open: "[", close: "]", value) { bytes, item in bytes.append(jsonString: item) }
    }

    /// In the order of the names, so that equal tags are equal bytes.
    package mutating func add(_ name: StaticString, _ value: [String: String]) {
        self.name(name)
        self.list(open: "{", close: "}", value.isEmpty ? [] : value.sorted { $0.key < $1.key }) { bytes, item in
            bytes.append(jsonString: item.key)
            bytes.append(UInt8(ascii: ":"))
            bytes.append(jsonString: item.value)
        }
    }

    package mutating func add(_ name: StaticString, _ value: TokenUsage?) {
        self.name(name)
        guard let value else { return self.null() }
        self.list(open: "{", close: "}", TokenClass.allCases.lazy.filter { value[$0] != 0 }) { bytes, item in
            bytes.append(member: item.name)
            bytes.append(number: Int64(value[item]))
        }
    }

    package mutating func add(_ name: StaticString, _ value: PerTokenClass<UnitPrice?>?, perRequest: Money) {
        self.name(name)
        guard let value else { return self.null() }
        self.bytes.append(UInt8(ascii: "{"))
        var isFirst = true
        for tokenClass in TokenClass.allCases {
            guard let price = value[tokenClass] else { continue }
            if !isFirst { self.bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            self.bytes.append(member: tokenClass.name)
            self.bytes.append(UInt8(ascii: "\""))
            self.bytes.append(decimal: price.value, decimals: 24)
            self.bytes.append(UInt8(ascii: "\""))
        }
        if perRequest != .zero {
            if !isFirst { self.bytes.append(UInt8(ascii: ",")) }
            self.bytes.append(member: "per_request")
            self.bytes.append(money: perRequest)
        }
        self.bytes.append(UInt8(ascii: "}"))
    }

    package mutating func add(_ name: StaticString, _ value: LedgerEntry.Levers?) {
        self.name(name)
        guard let value else { return self.null() }
        let parts = [
            ("model", value.model), ("backend", value.backend), ("lane", value.lane), ("window", value.window), ("cache", value.cache),
        ]
        self.list(open: "{", close: "}", parts.lazy.filter { $0.1 != .zero }) { bytes, item in
            bytes.append(member: item.0)
            bytes.append(money: item.1)
        }
    }

    private mutating func list<Items: Sequence>(
        open: Unicode.Scalar, close: Unicode.Scalar, _ items: Items, _ write: (inout [UInt8], Items.Element) -> Void
    ) {
        self.bytes.append(UInt8(ascii: open))
        var isFirst = true
        for item in items {
            if !isFirst { self.bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            write(&self.bytes, item)
        }
        self.bytes.append(UInt8(ascii: close))
    }
}

extension [UInt8] {
    package mutating func append(text: String) { self.append(contentsOf: text.utf8) }

    fileprivate mutating func append(member name: String) {
        self.append(UInt8(ascii: "\""))
        self.append(text: name)
        self.append(UInt8(ascii: "\""))
        self.append(UInt8(ascii: ":"))
    }

    fileprivate mutating func append(money: Money) {
        self.append(UInt8(ascii: "\""))
        self.append(decimal: Int128(money.pico), decimals: 12)
        self.append(UInt8(ascii: "\""))
    }

    package mutating func append(number: Int64) {
        if number < 0 { self.append(UInt8(ascii: "-")) }
        self.append(digits: number.magnitude, width: 1)
    }

    /// As ``DecimalText/format(_:decimals:)``, without a string in between.
    fileprivate mutating func append(decimal value: Int128, decimals: Int) {
        if value < 0 { self.append(UInt8(ascii: "-")) }
        var unit: UInt128 = 1
        for _ in 0..<decimals { unit *= 10 }
        let (whole, fraction) = value.magnitude.quotientAndRemainder(dividingBy: unit)
        if let small = UInt64(exactly: whole) { self.append(digits: small, width: 1) } else { self.append(text: String(whole)) }
        guard fraction != 0 else { return }
        self.append(UInt8(ascii: "."))
        var rest = fraction
        while rest != 0 {
            unit /= 10
            self.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / unit))
            rest %= unit
        }
    }

    private mutating func append(digits value: UInt64, width: Int) {
        var divisor: UInt64 = 1
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            self.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / divisor % 10))
            divisor /= 10
        }
    }

    /// A JSON string: `"`, `\` and control characters escaped, everything else as it is.
    package mutating func append(jsonString text: String) {
        self.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                self.append(UInt8(ascii: "\\"))
                self.append(byte)
            case 0x0A: self.append(text: "\\n")
            case 0x0D: self.append(text: "\\r")
            case 0x09: self.append(text: "\\t")
            case 0..<0x20:
                let hex = Array("0123456789abcdef".utf8)
                self.append(text: "\\u00")
                self.append(hex[Int(byte >> 4)])
                self.append(hex[Int(byte & 15)])
            default: self.append(byte)
            }
        }
        self.append(UInt8(ascii: "\""))
    }
}
