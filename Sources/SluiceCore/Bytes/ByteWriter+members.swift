/// Members of a JSON object, name and value, with a comma before each but the first.
extension ByteWriter {
    /// A number of 128 bits with sign, point and quotes.
    static let longestNumber = 48
    /// An object with a number for each class of tokens, and one more.
    static let longestPerClass = 2 + (TokenClass.allCases.count + 1) * (24 + ByteWriter.longestNumber)

    /// Writes `null` unless `isThere`.
    // Not in place: a line has some twenty of them.
    @inline(never)
    mutating func member(_ name: StaticString, _ value: String, if isThere: Bool) {
        self.name(name)
        if isThere { self.write(jsonString: value) } else { self.writeNull() }
    }

    @inline(never)
    mutating func member(_ name: StaticString, _ value: String?) {
        self.name(name)
        if let value { self.write(jsonString: value) } else { self.writeNull() }
    }

    @inline(__always)
    mutating func member(_ name: StaticString, _ value: Int?) {
        self.name(name)
        if let value { self.write(number: Int64(value)) } else { self.writeNull() }
    }

    @inline(__always)
    mutating func member(_ name: StaticString, _ value: Timestamp) {
        self.name(name)
        self.write(UInt8(ascii: "\""))
        self.write(value)
        self.write(UInt8(ascii: "\""))
    }

    /// In milliseconds.
    @inline(__always)
    mutating func member(_ name: StaticString, _ value: Duration?) { self.member(name, value.map { Int($0.milliseconds) }) }

    @inline(__always)
    mutating func member(_ name: StaticString, _ value: Money?) {
        self.name(name)
        if let value { self.write(quoted: value) } else { self.writeNull() }
    }

    /// In the order of the names, so that equal tags are equal bytes.
    mutating func member(_ name: StaticString, _ value: [String: String]) {
        self.name(name)
        guard !value.isEmpty else { return self.write("{}") }
        self.list(open: "{", close: "}", value.sorted { $0.key < $1.key }) { out, item in
            out.write(jsonString: item.key)
            out.write(UInt8(ascii: ":"))
            out.write(jsonString: item.value)
        }
    }

    mutating func member(_ name: StaticString, _ value: TokenUsage?) {
        self.name(name)
        guard let value else { return self.writeNull() }
        self.list(open: "{", close: "}", value.classes) { out, item in
            out.write(jsonString: item.name)
            out.write(UInt8(ascii: ":"))
            out.write(number: Int64(value[item]))
        }
    }

    mutating func member(_ name: StaticString, _ value: UnitPrices?, perRequest: Money) {
        self.name(name)
        guard let value else { return self.writeNull() }
        self.write(UInt8(ascii: "{"))
        var isFirst = true
        for tokenClass in value.classes {
            guard let price = value[tokenClass] else { continue }
            if !isFirst { self.write(UInt8(ascii: ",")) }
            isFirst = false
            self.write(jsonString: tokenClass.name)
            self.write(":\"")
            self.write(decimal: price.value, decimals: 24)
            self.write(UInt8(ascii: "\""))
        }
        if perRequest != .zero {
            if !isFirst { self.write(UInt8(ascii: ",")) }
            self.write("\"per_request\":")
            self.write(quoted: perRequest)
        }
        self.write(UInt8(ascii: "}"))
    }

    mutating func member(_ name: StaticString, _ value: LedgerEntry.Levers?) {
        self.name(name)
        guard let value else { return self.writeNull() }
        guard value != .zero else { return self.write("{}") }
        let parts = [
            ("model", value.model), ("backend", value.backend), ("lane", value.lane), ("window", value.window), ("cache", value.cache),
        ]
        self.list(open: "{", close: "}", parts.lazy.filter { $0.1 != .zero }) { out, item in
            out.write(jsonString: item.0)
            out.write(UInt8(ascii: ":"))
            out.write(quoted: item.1)
        }
    }

    mutating func list<Items: Sequence>(
        open: Unicode.Scalar, close: Unicode.Scalar, _ items: Items, _ write: (inout ByteWriter, Items.Element) -> Void
    ) {
        self.write(UInt8(ascii: open))
        var isFirst = true
        for item in items {
            if !isFirst { self.write(UInt8(ascii: ",")) }
            isFirst = false
            write(&self, item)
        }
        self.write(UInt8(ascii: close))
    }

    private mutating func write(quoted money: Money) {
        self.write(UInt8(ascii: "\""))
        self.write(money)
        self.write(UInt8(ascii: "\""))
    }
}

extension [String: String] {
    /// What the members take if every byte of them is escaped.
    var longestJSON: Int { self.isEmpty ? 2 : self.reduce(2) { $0 + $1.key.longestJSON + $1.value.longestJSON + 2 } }
}
