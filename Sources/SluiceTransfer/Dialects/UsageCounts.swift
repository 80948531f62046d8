import SluiceCore
import SluiceDispatch
import SluiceWire

/// Counts as they stand in a provider's usage object, before they are made disjoint.
struct UsageCounts {
    /// No prompt and no answer has more tokens than this.
    static let mostTokens = TokenUsage.mostTokens
    /// What is further from 0 is kept as this: nothing that is added up with it leaves 64 bits.
    static let mostKept = 1_000_000_000_000_000

    /// Some count is no whole number, negative or beyond any context.
    private(set) var isAbsurd = false
    /// Whether there was any count at all.
    private(set) var isGiven = false

    /// Reads one count, also one that cannot be; nil for `null` and what is no number.
    mutating func read(_ cursor: inout JSONCursor) throws(JSONFault) -> Int? {
        guard try !cursor.null() else { return nil }
        self.isGiven = true
        var again = cursor
        if let count = try cursor.integer(), (0...UsageCounts.mostTokens).contains(count) { return count }
        self.isAbsurd = true
        let text = again.text(of: try again.value())
        let most = Int128(UsageCounts.mostKept)
        if let number = DecimalText.round(text, decimals: 0) { return Int(max(-most, min(number, most))) }
        // A number that is too long to be read, or none.
        guard let first = text.utf8.first, first != UInt8(ascii: "-") else { return -UsageCounts.mostKept }
        return (0x30...0x39).contains(first) ? UsageCounts.mostKept : nil
    }

    /// Reads a running total that may have been told before.
    mutating func read(_ cursor: inout JSONCursor, after known: Int?) throws(JSONFault) -> Int? {
        let count = try self.read(&cursor)
        return count == nil || count == 0 ? known ?? count : count
    }
}
