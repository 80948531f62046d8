extension [UInt8] {
    /// As `withUnsafeBufferPointer`, with the error type of lines.
    func reading<T>(_ body: (UnsafeBufferPointer<UInt8>) throws(LedgerLineError) -> T) throws(LedgerLineError) -> T {
        let result: Result<T, LedgerLineError> = self.withUnsafeBufferPointer { bytes in
            do throws(LedgerLineError) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Reads one JSON object whose members have no order.
    func readingObject<T>(_ body: (inout JSONMembers) throws(LedgerLineError) -> T) throws(LedgerLineError) -> T {
        try self.reading { bytes throws(LedgerLineError) in
            var members = JSONMembers(bytes, in: try JSONMembers.inside(bytes.indices, of: bytes), known: [])
            return try body(&members)
        }
    }
}

/// What the value of a member is, given its bytes.
extension JSONMembers {
    /// What stands between the braces of an object.
    static func inside(_ range: Range<Int>, of bytes: UnsafeBufferPointer<UInt8>) throws(LedgerLineError) -> Range<Int> {
        guard range.count > 1, bytes[range.lowerBound] == UInt8(ascii: "{"), bytes[range.upperBound - 1] == UInt8(ascii: "}") else {
            throw LedgerLineError("not an object", at: range.lowerBound)
        }
        return range.lowerBound + 1..<range.upperBound - 1
    }

    func object(_ range: Range<Int>) throws(LedgerLineError) -> JSONMembers {
        JSONMembers(self.bytes, in: try JSONMembers.inside(range, of: self.bytes), known: [])
    }

    func unquoted(_ range: Range<Int>) throws(LedgerLineError) -> String {
        guard self.bytes[range.lowerBound] == UInt8(ascii: "\"") else { throw LedgerLineError("not a string", at: range.lowerBound) }
        return try self.string(range.lowerBound + 1..<range.upperBound - 1)
    }

    /// The text between two quotes.
    func string(_ range: Range<Int>) throws(LedgerLineError) -> String {
        let bytes = self.bytes[range]
        let isPlain = !bytes.contains(UInt8(ascii: "\\"))
        guard let text = isPlain ? String(validating: bytes, as: UTF8.self) : String(validating: try self.unescaped(bytes), as: UTF8.self) else {
            throw LedgerLineError("not UTF-8", at: range.lowerBound)
        }
        return text
    }

    private func unescaped(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) throws(LedgerLineError) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            guard bytes[index] == UInt8(ascii: "\\") else {
                text.append(bytes[index])
                index += 1
                continue
            }
            guard index + 1 < bytes.endIndex else { throw LedgerLineError("half an escape", at: index) }
            switch bytes[index + 1] {
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): text.append(bytes[index + 1])
            case UInt8(ascii: "u"):
                let digits = String(decoding: bytes[index...].dropFirst(2).prefix(4), as: UTF8.self)
                guard digits.utf8.count == 4, let value = UInt8(digits, radix: 16), value < 0x20 else {
                    throw LedgerLineError("an escape that is never written", at: index)
                }
                text.append(value)
                index += 4
            default: throw LedgerLineError("an escape that is never written", at: index)
            }
            index += 2
        }
        return text
    }

    func integer(_ range: Range<Int>) throws(LedgerLineError) -> Int64 {
        var digits = self.bytes[range]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits = digits.dropFirst() }
        guard !digits.isEmpty, digits.count <= 19 else { throw LedgerLineError("not an integer", at: range.lowerBound) }
        // Counted downwards, since the least integer has no positive twin.
        var value: Int64 = 0
        for digit in digits {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { throw LedgerLineError("not an integer", at: range.lowerBound) }
            let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
            let (next, overflowed) = scaled.subtractingReportingOverflow(Int64(digit - UInt8(ascii: "0")))
            guard !overflow, !overflowed else { throw LedgerLineError("too large", at: range.lowerBound) }
            value = next
        }
        guard !isNegative else { return value }
        guard value != .min else { throw LedgerLineError("too large", at: range.lowerBound) }
        return -value
    }

    func money(_ range: Range<Int>) throws(LedgerLineError) -> Money {
        guard let pico = Int64(exactly: try self.moneySum(range).pico) else { throw LedgerLineError("too large", at: range.lowerBound) }
        return Money(pico: pico)
    }

    func moneySum(_ range: Range<Int>) throws(LedgerLineError) -> MoneySum {
        guard let sum = MoneySum(try self.unquoted(range)) else { throw LedgerLineError("not an amount of money", at: range.lowerBound) }
        return sum
    }

    func usage(_ range: Range<Int>) throws(LedgerLineError) -> TokenUsage {
        var usage = TokenUsage.zero
        var inner = try self.object(range)
        while let (name, value) = try inner.next() {
            if let tokenClass = TokenClass(name: try inner.string(name)) { usage[tokenClass] = Int(try inner.integer(value)) }
        }
        return usage
    }

    func texts(_ range: Range<Int>) throws(LedgerLineError) -> [String: String] {
        var texts: [String: String] = [:]
        var inner = try self.object(range)
        while let (name, value) = try inner.next() { texts[try inner.string(name)] = try inner.unquoted(value) }
        return texts
    }

    func strings(_ range: Range<Int>) throws(LedgerLineError) -> [String] {
        var strings: [String] = []
        var scan = JSONScan(self.bytes, at: range.lowerBound, end: range.upperBound)
        try scan.expect("[")
        while scan.index < range.upperBound - 1 {
            if !strings.isEmpty { try scan.expect(",") }
            strings.append(try self.string(try scan.string()))
        }
        try scan.expect("]")
        return strings
    }
}
