import SluiceCore
import SluiceWire

/// What a provider itself says that an answer cost, in the words of those who say it: OpenRouter (`cost`), Perplexity (`cost.total_cost`),
/// DeepInfra (`estimated_cost`), xAI (`cost_in_usd_ticks`, 10⁻¹⁰ dollars). All of them mean US dollars.
struct ReportedCost {
    private static let picoPerTick: Int64 = 100

    private(set) var amount: Money?

    /// Reads a member of a usage object; false where it is none that tells a cost, and then nothing was read.
    mutating func read(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) -> Bool {
        if key.says("cost") || key.says("estimated_cost") {
            guard cursor.peek() == UInt8(ascii: "{") else {
                self.amount = try cursor.decimal() ?? self.amount
                return true
            }
            var total: Money?
            try cursor.members { key, cursor throws(JSONFault) in
                if key.says("total_cost") { total = try cursor.decimal() } else { try cursor.value() }
            }
            self.amount = total ?? self.amount
        } else if key.says("cost_in_usd_ticks") {
            let (pico, overflow) = (try cursor.integer() ?? 0).multipliedReportingOverflow(by: Int(ReportedCost.picoPerTick))
            if !overflow { self.amount = Money(pico: Int64(pico)) }
        } else {
            return false
        }
        return true
    }
}

extension JSONCursor {
    /// The next value as an amount, number or string, exact to the picodollar; nil where it is none, which is passed over.
    fileprivate mutating func decimal() throws(JSONFault) -> Money? {
        if self.peek() == UInt8(ascii: "\"") { return try self.string().flatMap { Money(rounding: $0.decoded) } }
        let range = try self.value()
        return Money(rounding: self.text(of: range))
    }
}
