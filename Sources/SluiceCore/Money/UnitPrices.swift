/// The price of one token class as it was used: base price × tier × window × (1 − discount), exact.
///
/// In units of 10⁻³⁰ of the currency per token, so that three factors of six decimals never round.
package struct UnitPrice: Hashable, Sendable {
    /// In a picodollar per token: three factors in millionths.
    package static let perPico: Int128 = 1_000_000_000_000_000_000

    package let value: Int128

    package init(value: Int128) {
        self.value = value
    }

    /// Money per 1M tokens, exactly.
    package var perMillion: String { DecimalText.format(self.value, decimals: 24) }

    package init?(perMillion text: some StringProtocol) {
        guard let value = DecimalText.parse(text, decimals: 24) else { return nil }
        self.value = value
    }
}

/// The prices of the token classes that a row used. Rows share them, since they are many and most answers by one card are charged the same.
package struct UnitPrices: Sendable {
    /// Of no class.
    package static let empty = UnitPrices(repeating: nil)

    private final class List: Sendable {
        let prices: PerTokenClass<UnitPrice?>

        init(_ prices: PerTokenClass<UnitPrice?>) {
            self.prices = prices
        }
    }

    private let list: List
    /// Those that may have a price here; all others have none.
    private(set) var classes = TokenClasses.all

    package init(_ prices: PerTokenClass<UnitPrice?>) {
        self.list = List(prices)
    }

    package init(repeating price: UnitPrice?) {
        self.init(PerTokenClass(repeating: price))
    }

    /// What `listed` charges while no factor changes it.
    init(_ listed: RateCard.Prices) {
        var prices = PerTokenClass<UnitPrice?>(repeating: nil)
        for tokenClass in TokenClass.allCases {
            prices[tokenClass] = listed[tokenClass].map { UnitPrice(value: Int128($0.pico) * UnitPrice.perPico) }
        }
        self.init(prices)
    }

    /// Those of the classes that `usage` has.
    package func used(by usage: TokenUsage) -> UnitPrices {
        var prices = self
        prices.classes = usage.classes
        return prices
    }

    /// nil for a class that was not used or had no price.
    package subscript(tokenClass: TokenClass) -> UnitPrice? {
        self.classes.contains(tokenClass) ? self.list.prices[tokenClass] : nil
    }
}

extension UnitPrices: Hashable {
    package static func == (a: UnitPrices, b: UnitPrices) -> Bool {
        TokenClass.allCases.allSatisfy { a[$0] == b[$0] }
    }

    package func hash(into hasher: inout Hasher) {
        for tokenClass in TokenClass.allCases { hasher.combine(self[tokenClass]) }
    }
}
