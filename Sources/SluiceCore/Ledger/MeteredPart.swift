/// A part of what one answer cost: so many tokens of one kind at a price, or the fee for the request.
package struct MeteredPart: Sendable {
    package enum Meter: Hashable, Sendable {
        case tokens(TokenClass)
        case request
        /// Time on hardware of one's own, which has no price per token.
        case capacity
    }

    package var meter: Meter
    package var quantity: Int128
    package var amount: MoneySum
    /// Per token; nil where there is none.
    package var price: UnitPrice?
}

extension LedgerEntry.Settlement {
    /// What a certain cost is made of, exactly: each part is whole picodollars, and what the row's one rounding leaves goes to the largest.
    ///
    /// - Parameter counted: The tokens; those of the row itself unless a correction speaks of another's.
    package func parts(of cost: Money, counted: TokenUsage? = nil) -> [MeteredPart] {
        guard let usage = counted ?? self.usage else { return [] }
        var parts: [MeteredPart] = []
        for tokenClass in TokenClass.allCases where usage[tokenClass] != 0 {
            guard let price = self.unitPrices?[tokenClass] else { continue }
            let quantity = Int128(usage[tokenClass])
            let amount = MoneySum(pico: (quantity * price.value).dividedHalfEven(by: UnitPrice.perPico))
            parts.append(MeteredPart(meter: .tokens(tokenClass), quantity: quantity, amount: amount, price: price))
        }
        if self.perRequest != .zero {
            let price = UnitPrice(value: Int128(self.perRequest.pico) * UnitPrice.perPico)
            parts.append(MeteredPart(meter: .request, quantity: 1, amount: MoneySum(self.perRequest), price: price))
        }
        let rest = parts.reduce(into: MoneySum(cost)) { $0 = $0 - $1.amount }
        if parts.isEmpty {
            if rest != .zero { parts.append(MeteredPart(meter: .capacity, quantity: 0, amount: rest, price: nil)) }
        } else if let largest = parts.indices.max(by: { parts[$0].amount < parts[$1].amount }) {
            parts[largest].amount += rest
        }
        return parts
    }
}
