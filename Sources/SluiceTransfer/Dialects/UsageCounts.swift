import SluiceCore
import SluiceDispatch
import SluiceWire

/// Counts as they stand in a provider's usage object, before they are made disjoint.
struct UsageCounts {
    /// No prompt and no answer has more tokens than this.
    static let mostTokens = 1_000_000_000

    /// Some count is no whole number, negative or beyond any context.
    private(set) var isAbsurd = false
    /// Whether there was any count at all.
    private(set) var isGiven = false

    /// Reads one count; nil for `null`.
    mutating func read(_ cursor: inout JSONCursor) throws(JSONFault) -> Int? {
        guard try !cursor.null() else { return nil }
        self.isGiven = true
        guard let count = try cursor.integer(), (0...UsageCounts.mostTokens).contains(count) else {
            self.isAbsurd = true
            return nil
        }
        return count
    }

    /// Reads a running total that may have been told before.
    mutating func read(_ cursor: inout JSONCursor, after known: Int?) throws(JSONFault) -> Int? {
        let count = try self.read(&cursor)
        return count == nil || count == 0 ? known ?? count : count
    }
}
