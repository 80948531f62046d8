/// An amount of money in picodollars, 10⁻¹² of the policy's currency.
///
/// One row of the ledger fits (±9.2 million); sums belong into ``MoneySum``. Never a floating point number:
/// text goes in and out exactly.
package struct Money: Hashable, Comparable, Sendable {
    package static let zero = Money(pico: 0)

    package let pico: Int64

    package init(pico: Int64) {
        self.pico = pico
    }

    /// Reads a plain decimal such as `0.02` or `5000`; nil where the text is none, has more than 12 decimals or is too large.
    package init?(_ text: some StringProtocol) {
        guard let scaled = DecimalText.parse(text, decimals: 12), let pico = Int64(exactly: scaled) else { return nil }
        self.pico = pico
    }

    /// Reads a JSON number, rounded to the picodollar; nil where the text is none or too large.
    package init?(rounding number: some StringProtocol) {
        guard let pico = DecimalText.round(number, decimals: 12).flatMap({ Int64(exactly: $0) }) else { return nil }
        self.pico = pico
    }

    /// Reads an amount in JSON: a number in any of its spellings, or text with a plain decimal; nil where it is neither, or negative.
    package init?(json value: some StringProtocol) {
        let text = value.hasPrefix("\"") && value.hasSuffix("\"") ? String(value.dropFirst().dropLast()) : nil
        guard let money = text.map({ Money($0) }) ?? Money(rounding: value), money >= .zero else { return nil }
        self = money
    }

    package static func < (a: Money, b: Money) -> Bool { a.pico < b.pico }

    /// Saturates instead of trapping: a figure at the edge of the type is absurd, and absurd figures are flagged, not fatal.
    package static func + (a: Money, b: Money) -> Money {
        let (sum, overflow) = a.pico.addingReportingOverflow(b.pico)
        return Money(pico: overflow ? (a.pico < 0 ? .min : .max) : sum)
    }

    package static func - (a: Money, b: Money) -> Money { a + Money(pico: b.pico == .min ? .max : -b.pico) }
}

extension Money: CustomStringConvertible {
    /// Exact, without exponent and without trailing zeros: `0.00276`, `0`, `-12`.
    package var description: String { DecimalText.format(Int128(self.pico), decimals: 12) }
}

/// A sum of many amounts, in picodollars, wide enough for any ledger.
package struct MoneySum: Hashable, Comparable, Sendable {
    package static let zero = MoneySum(pico: 0)

    package var pico: Int128

    package init(pico: Int128) {
        self.pico = pico
    }

    package init(_ money: Money) {
        self.pico = Int128(money.pico)
    }

    /// Reads the canonical text of an amount; nil where it is none.
    package init?(_ text: some StringProtocol) {
        guard let pico = DecimalText.parse(text, decimals: 12) else { return nil }
        self.pico = pico
    }

    package static func < (a: MoneySum, b: MoneySum) -> Bool { a.pico < b.pico }
    package static func + (a: MoneySum, b: MoneySum) -> MoneySum { MoneySum(pico: a.pico + b.pico) }
    package static func - (a: MoneySum, b: MoneySum) -> MoneySum { MoneySum(pico: a.pico - b.pico) }
    package static func += (a: inout MoneySum, b: MoneySum) { a.pico += b.pico }
    package static func += (a: inout MoneySum, b: Money) { a.pico += Int128(b.pico) }
    package static func -= (a: inout MoneySum, b: Money) { a.pico -= Int128(b.pico) }
}

extension MoneySum: CustomStringConvertible {
    package var description: String { DecimalText.format(self.pico, decimals: 12) }
}
