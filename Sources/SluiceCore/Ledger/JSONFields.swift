/// Writes members of one JSON object in order, with every byte decided here: the chain depends on it.
package struct JSONFields {
    package private(set) var bytes: [UInt8] = []

    package init(capacity: Int) {
        self.bytes.reserveCapacity(capacity)
    }

    /// The whole object.
    package var object: [UInt8] { [UInt8(ascii: "{")] + self.bytes + [UInt8(ascii: "}")] }

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

    /// A member whose name is not known before.
    package mutating func add(named name: String, _ value: String?) {
        if !self.bytes.isEmpty { self.bytes.append(UInt8(ascii: ",")) }
        self.bytes.append(jsonString: name)
        self.bytes.append(UInt8(ascii: ":"))
        if let value { self.bytes.append(jsonString: value) } else { self.null() }
    }

    package mutating func add(_ name: StaticString, object: JSONFields?) {
        self.name(name)
        if let object { self.bytes.append(contentsOf: object.object) } else { self.null() }
    }

    package mutating func add(_ name: StaticString, objects: [JSONFields]) {
        self.name(name)
        self.list(open: "[", close: "]", objects) { bytes, item in bytes.append(contentsOf: item.object) }
    }

    /// A value that is JSON already; nil is `null`.
    package mutating func add(_ name: StaticString, json value: [UInt8]?) {
        self.name(name)
        if let value { self.bytes.append(contentsOf: value) } else { self.null() }
    }

    package mutating func add(_ name: StaticString, _ value: Bool) {
        self.name(name)
        self.bytes.append(text: value ? "true" : "false")
    }

    /// A ratio, as a number.
    package mutating func add(_ name: StaticString, millionths value: Int128?) {
        self.name(name)
        if let value { self.bytes.append(decimal: value, decimals: 6) } else { self.null() }
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
