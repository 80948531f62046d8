/// Writes members of one JSON object in order, with every byte decided here: the chain depends on it.
///
/// Convenient where an object has few members or is written seldom; ``LedgerLine/body(of:)`` writes its members as this does, at one go.
package struct JSONFields {
    package private(set) var bytes: [UInt8] = []

    package init(capacity: Int) {
        self.bytes.reserveCapacity(capacity)
    }

    /// The whole object.
    package var object: [UInt8] { [UInt8(ascii: "{")] + self.bytes + [UInt8(ascii: "}")] }

    /// Appends a member that takes no more than `most` bytes beside its name.
    @inline(__always)
    private mutating func append(_ name: StaticString, atMost most: Int, _ write: (inout ByteWriter) -> Void) {
        if !self.bytes.isEmpty { self.bytes.append(UInt8(ascii: ",")) }
        self.bytes.append(atMost: name.utf8CodeUnitCount + 4 + most, write)
    }

    package mutating func add(_ name: StaticString, _ value: String?) {
        self.append(name, atMost: value?.longestJSON ?? 4) { $0.member(name, value) }
    }

    /// A member whose name is not known before.
    package mutating func add(named name: String, _ value: String?) {
        if !self.bytes.isEmpty { self.bytes.append(UInt8(ascii: ",")) }
        self.bytes.append(jsonString: name)
        self.bytes.append(UInt8(ascii: ":"))
        if let value { self.bytes.append(jsonString: value) } else { self.bytes.append(text: "null") }
    }

    package mutating func add(_ name: StaticString, object: JSONFields?) { self.add(name, json: object?.object) }

    /// A value that is JSON already; nil is `null`.
    package mutating func add(_ name: StaticString, json value: [UInt8]?) {
        self.append(name, atMost: value?.count ?? 4) { out in
            out.name(name)
            if let value { out.write(value) } else { out.write("null") }
        }
    }

    package mutating func add(_ name: StaticString, objects: [JSONFields]) {
        let items = objects.map(\.object)
        self.append(name, atMost: items.reduce(2) { $0 + $1.count + 1 }) { out in
            out.name(name)
            out.list(open: "[", close: "]", items) { out, item in out.write(item) }
        }
    }

    package mutating func add(_ name: StaticString, _ value: Bool) {
        self.append(name, atMost: 5) { out in
            out.name(name)
            out.write(value ? "true" : "false")
        }
    }

    /// A ratio, as a number.
    package mutating func add(_ name: StaticString, millionths value: Int128?) {
        self.append(name, atMost: ByteWriter.longestNumber) { out in
            out.name(name)
            if let value { out.write(decimal: value, decimals: 6) } else { out.write("null") }
        }
    }

    package mutating func add(_ name: StaticString, _ value: Int?) {
        self.append(name, atMost: ByteWriter.longestNumber) { $0.member(name, value) }
    }

    package mutating func add(_ name: StaticString, _ value: Timestamp) {
        self.append(name, atMost: Timestamp.longestText + 2) { $0.member(name, value) }
    }

    package mutating func add(_ name: StaticString, _ value: Duration?) {
        self.append(name, atMost: ByteWriter.longestNumber) { $0.member(name, value) }
    }

    package mutating func add(_ name: StaticString, _ value: Money?) {
        self.append(name, atMost: ByteWriter.longestNumber) { $0.member(name, value) }
    }

    package mutating func add(_ name: StaticString, _ value: MoneySum) {
        self.append(name, atMost: ByteWriter.longestNumber) { out in
            out.name(name)
            out.write(UInt8(ascii: "\""))
            out.write(decimal: value.pico, decimals: 12)
            out.write(UInt8(ascii: "\""))
        }
    }

    package mutating func add(_ name: StaticString, _ value: [(name: String, count: Int)]) {
        self.append(name, atMost: value.reduce(2) { $0 + $1.name.longestJSON + ByteWriter.longestNumber }) { out in
            out.name(name)
            out.list(open: "{", close: "}", value.lazy.filter { $0.count != 0 }) { out, item in
                out.write(jsonString: item.name)
                out.write(UInt8(ascii: ":"))
                out.write(number: Int64(item.count))
            }
        }
    }

    package mutating func add(_ name: StaticString, _ value: [String]) {
        self.append(name, atMost: value.reduce(2) { $0 + $1.longestJSON + 1 }) { out in
            out.name(name)
            out.list(open: "[", close: "]", value) { out, item in out.write(jsonString: item) }
        }
    }

    package mutating func add(_ name: StaticString, _ value: [String: String]) {
        self.append(name, atMost: value.longestJSON) { $0.member(name, value) }
    }

    package mutating func add(_ name: StaticString, _ value: TokenUsage?) {
        self.append(name, atMost: ByteWriter.longestPerClass) { $0.member(name, value) }
    }
}

extension [UInt8] {
    package mutating func append(text: String) { self.append(atMost: text.utf8.count) { $0.write(text: text) } }

    package mutating func append(number: Int64) { self.append(atMost: 20) { $0.write(number: number) } }

    /// A JSON string: `"`, `\` and control characters escaped, everything else as it is.
    package mutating func append(jsonString text: String) { self.append(atMost: text.longestJSON) { $0.write(jsonString: text) } }
}
