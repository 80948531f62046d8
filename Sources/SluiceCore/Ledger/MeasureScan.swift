/// Reads the one form in which sums are stored: objects of integers and of exact decimals in quotes, without white space or escapes.
struct MeasureScan {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var index = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    func isEqual(_ range: Range<Int>, _ text: String) -> Bool {
        var text = text
        return text.withUTF8 { $0.count == range.count && $0.elementsEqual(self.bytes[range]) }
    }

    /// Calls `body` with each name of the object that begins here; it reads the value.
    mutating func members(_ body: (inout MeasureScan, Range<Int>) throws(LedgerLineError) -> Void) throws(LedgerLineError) {
        try self.expect(UInt8(ascii: "{"))
        guard !self.takes(UInt8(ascii: "}")) else { return }
        while true {
            let name = try self.quoted()
            try self.expect(UInt8(ascii: ":"))
            try body(&self, name)
            guard !self.takes(UInt8(ascii: "}")) else { return }
            try self.expect(UInt8(ascii: ","))
        }
    }

    mutating func integer() throws(LedgerLineError) -> Int {
        let isNegative = self.takes(UInt8(ascii: "-"))
        let value = try self.digits()
        guard let small = Int(exactly: isNegative ? -value : value) else { throw LedgerLineError("too large", at: self.index) }
        return small
    }

    /// An amount of money, in picodollars.
    mutating func sum() throws(LedgerLineError) -> MoneySum {
        try self.expect(UInt8(ascii: "\""))
        let isNegative = self.takes(UInt8(ascii: "-"))
        var value = try self.digits()
        var decimals = 0
        if self.takes(UInt8(ascii: ".")) {
            let start = self.index
            value = try self.digits(after: value)
            decimals = self.index - start
        }
        guard decimals <= 12 else { throw LedgerLineError("more than 12 decimals", at: self.index) }
        let (scaled, overflow) = value.multipliedReportingOverflow(by: MeasureScan.powers[12 - decimals])
        guard !overflow else { throw LedgerLineError("too large", at: self.index) }
        try self.expect(UInt8(ascii: "\""))
        return MoneySum(pico: isNegative ? -scaled : scaled)
    }

    /// Passes over an integer.
    mutating func skip() throws(LedgerLineError) { _ = try self.integer() }

    private static let powers: [Int128] = (0...12).reduce(into: [1]) { powers, _ in powers.append(powers[powers.count - 1] * 10) }

    private mutating func digits(after start: Int128 = 0) throws(LedgerLineError) -> Int128 {
        let first = self.index
        // In machine words as long as they hold.
        var high = start
        var low: UInt64 = 0
        var scale: Int128 = 1
        while self.index < self.bytes.count, case let digit = self.bytes[self.index] &- UInt8(ascii: "0"), digit < 10 {
            low = low &* 10 &+ UInt64(digit)
            scale *= 10
            self.index += 1
            if scale == 1_000_000_000_000_000_000 {
                high = high * scale + Int128(low)
                (low, scale) = (0, 1)
            }
            guard self.index - first < 30 else { throw LedgerLineError("too large", at: first) }
        }
        guard self.index > first else { throw LedgerLineError("expected a number", at: first) }
        let (scaled, overflow) = high.multipliedReportingOverflow(by: scale)
        guard !overflow else { throw LedgerLineError("too large", at: first) }
        return scaled + Int128(low)
    }

    private mutating func quoted() throws(LedgerLineError) -> Range<Int> {
        try self.expect(UInt8(ascii: "\""))
        let start = self.index
        while self.index < self.bytes.count, self.bytes[self.index] != UInt8(ascii: "\"") { self.index += 1 }
        try self.expect(UInt8(ascii: "\""))
        return start..<self.index - 1
    }

    private mutating func takes(_ byte: UInt8) -> Bool {
        guard self.index < self.bytes.count, self.bytes[self.index] == byte else { return false }
        self.index += 1
        return true
    }

    private mutating func expect(_ byte: UInt8) throws(LedgerLineError) {
        guard self.takes(byte) else { throw LedgerLineError("expected `\(Character(UnicodeScalar(byte)))`", at: self.index) }
    }
}
