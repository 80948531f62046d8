/// Why a line is not one that ``LedgerLine`` writes.
package struct LedgerLineError: Error, Hashable, Sendable {
    package var message: String
    /// The byte at which it was noticed.
    package var offset: Int

    package init(_ message: String, at offset: Int) {
        self.message = message
        self.offset = offset
    }
}

/// The members of one JSON object in the strict form that ``JSONFields`` writes: known order, no white space.
///
/// Members that are not known (of a later version) are passed over, members that are missing (of an earlier one) are nil; one that is out of
/// order is refused. A cursor over borrowed bytes: it must not outlive them.
struct JSONMembers {
    private typealias Member = (name: Range<Int>, value: Range<Int>)

    let bytes: UnsafeBufferPointer<UInt8>
    private let known: [StaticString]
    private let end: Int
    private var index: Int
    private var isFirst = true
    private var peeked: Member?

    /// - Parameter range: What stands between the braces.
    init(_ bytes: UnsafeBufferPointer<UInt8>, in range: Range<Int>, known: [StaticString]) {
        self.bytes = bytes
        self.known = known
        self.index = range.lowerBound
        self.end = range.upperBound
    }

    /// The bytes of the value of the member `name`; nil where it is missing.
    mutating func value(_ name: StaticString) throws(LedgerLineError) -> Range<Int>? {
        while let member = try self.peek() {
            if self.isEqual(member.name, name) {
                self.peeked = nil
                return member.value
            }
            if self.known.contains(where: { self.isEqual(member.name, $0) }) { return nil }
            self.peeked = nil
        }
        return nil
    }

    /// - Throws: Where members are left over, which must be out of order.
    mutating func finish() throws(LedgerLineError) {
        while let member = try self.peek() {
            guard !self.known.contains(where: { self.isEqual(member.name, $0) }) else {
                throw LedgerLineError("a member is out of order", at: member.name.lowerBound)
            }
            self.peeked = nil
        }
    }

    /// Every member as it comes, for objects with names of their own.
    mutating func next() throws(LedgerLineError) -> (name: Range<Int>, value: Range<Int>)? {
        let member = try self.peek()
        self.peeked = nil
        return member
    }

    private mutating func peek() throws(LedgerLineError) -> Member? {
        if let peeked { return peeked }
        guard self.index < self.end else { return nil }
        var scan = JSONScan(self.bytes, at: self.index, end: self.end)
        if !self.isFirst { try scan.expect(",") }
        self.isFirst = false
        let name = try scan.string()
        try scan.expect(":")
        let from = scan.index
        try scan.skipValue(depth: 0)
        self.index = scan.index
        self.peeked = (name, from..<scan.index)
        return self.peeked
    }

    func isEqual(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { $0.elementsEqual(self.bytes[range]) }
    }
}

/// Walks over JSON values without white space.
struct JSONScan {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let end: Int
    private(set) var index: Int

    init(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int, end: Int) {
        self.bytes = bytes
        self.index = index
        self.end = end
    }

    mutating func expect(_ character: Unicode.Scalar) throws(LedgerLineError) {
        guard self.index < self.end, self.bytes[self.index] == UInt8(ascii: character) else {
            throw LedgerLineError("expected `\(character)`", at: self.index)
        }
        self.index += 1
    }

    /// What stands between the quotes.
    mutating func string() throws(LedgerLineError) -> Range<Int> {
        try self.expect("\"")
        let start = self.index
        while self.index < self.end {
            switch self.bytes[self.index] {
            case UInt8(ascii: "\""):
                self.index += 1
                return start..<self.index - 1
            case UInt8(ascii: "\\"):
                self.index += 2
            case 0..<0x20:
                throw LedgerLineError("a control character in a string", at: self.index)
            default:
                self.index += 1
            }
        }
        throw LedgerLineError("a string without an end", at: start)
    }

    mutating func skipValue(depth: Int) throws(LedgerLineError) {
        guard self.index < self.end, depth < 8 else { throw LedgerLineError("expected a value", at: self.index) }
        switch self.bytes[self.index] {
        case UInt8(ascii: "\""): _ = try self.string()
        case UInt8(ascii: "{"): try self.skipList(close: "}", named: true, depth: depth)
        case UInt8(ascii: "["): try self.skipList(close: "]", named: false, depth: depth)
        default: try self.skipWord()
        }
    }

    private mutating func skipList(close: Unicode.Scalar, named: Bool, depth: Int) throws(LedgerLineError) {
        self.index += 1
        if self.index < self.end, self.bytes[self.index] == UInt8(ascii: close) {
            self.index += 1
            return
        }
        while true {
            if named {
                _ = try self.string()
                try self.expect(":")
            }
            try self.skipValue(depth: depth + 1)
            if self.index < self.end, self.bytes[self.index] == UInt8(ascii: ",") {
                self.index += 1
                continue
            }
            return try self.expect(close)
        }
    }

    /// A number, `true`, `false` or `null`.
    private mutating func skipWord() throws(LedgerLineError) {
        let start = self.index
        while self.index < self.end {
            switch self.bytes[self.index] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."):
                self.index += 1
            default:
                guard self.index > start else { throw LedgerLineError("expected a value", at: start) }
                return
            }
        }
        guard self.index > start else { throw LedgerLineError("expected a value", at: start) }
    }
}
