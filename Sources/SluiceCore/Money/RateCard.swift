/// The price of one token in picodollars. A price per 1M tokens with up to six decimals is a whole number of them.
package struct TokenPrice: Hashable, Sendable {
    package let pico: Int64

    package init(pico: Int64) {
        self.pico = pico
    }

    /// Reads a price per 1M tokens, as price lists print it (`2.50`); nil for a negative one or more than six decimals.
    package init?(perMillion text: some StringProtocol) {
        guard let scaled = DecimalText.parse(text, decimals: 6), scaled >= 0, let pico = Int64(exactly: scaled) else { return nil }
        self.pico = pico
    }

    /// The price per 1M tokens, exactly.
    package var perMillion: String { DecimalText.format(Int128(self.pico), decimals: 6) }
}

/// A factor on a price in millionths: `50%` is 500,000, half price.
package struct PriceFactor: Hashable, Sendable {
    package static let one = PriceFactor(millionths: 1_000_000)

    package let millionths: Int64

    package init(millionths: Int64) {
        self.millionths = millionths
    }

    /// What is left after a discount of this much: `10%` off leaves `90%`.
    package var complement: PriceFactor { PriceFactor(millionths: 1_000_000 - self.millionths) }
}

/// What one backend charges for one of its models, for as long as it is valid.
///
/// Prices are list prices; ``discount`` is what is taken off at the end. What `above` does not name falls back to the base.
package struct RateCard: Hashable, Sendable {
    /// The prices of all token classes; nil means that the card does not know one, so a row that used it is unpriced.
    package typealias Prices = PerTokenClass<TokenPrice?>

    /// When the price in force is looked up.
    package enum PricedAt: String, Sendable, CaseIterable {
        case completion, start
    }

    /// Prices that hold for the whole request once its prompt has *more than* this many tokens.
    package struct ContextTier: Hashable, Sendable {
        package var threshold: Int
        package var prices: Prices

        package init(threshold: Int, prices: Prices) {
            self.threshold = threshold
            self.prices = prices
        }
    }

    /// What a service tier changes: a factor, or prices of its own for the classes it names.
    package struct Tier: Hashable, Sendable {
        package var factor = PriceFactor.one
        package var prices = Prices(repeating: nil)
        /// In rising order of their thresholds.
        package var above: [ContextTier] = []

        package init() {}

        package init(factor: PriceFactor) {
            self.factor = factor
        }
    }

    /// A factor while a window of the policy is open.
    package struct Window: Hashable, Sendable {
        package var name: String
        package var factor: PriceFactor

        package init(name: String, factor: PriceFactor) {
            self.name = name
            self.factor = factor
        }
    }

    /// Names the card in ledger rows: the start of a hash over what it says and where it was read.
    package var revision: String
    package var prices: Prices
    /// In rising order of their thresholds.
    package var above: [ContextTier] = []
    /// By the tier that was *served*; `default`, `standard` and `auto` need no entry.
    package var tiers: [String: Tier] = [:]
    /// The first one that is open counts.
    package var windows: [Window] = []
    package var discount = PriceFactor(millionths: 0)
    package var perRequest = Money.zero
    package var pricedAt = PricedAt.completion
    package var validFrom: Timestamp?
    /// Exclusive.
    package var validUntil: Timestamp?
    /// Where the figures were read and on which day, for `check` and `doctor`.
    package var source: String?
    package var asOf: String?

    package init(revision: String, prices: Prices) {
        self.revision = revision
        self.prices = prices
    }

    /// The same card with so much taken off; its revision tells.
    package func discounted(by discount: PriceFactor) -> RateCard {
        guard discount.millionths != 0 else { return self }
        var card = self
        card.discount = discount
        card.revision += "-\(DecimalText.format(Int128(discount.millionths), decimals: 4))%"
        return card
    }

    package func isValid(at instant: Timestamp) -> Bool {
        (self.validFrom.map { $0 <= instant } ?? true) && (self.validUntil.map { instant < $0 } ?? true)
    }
}
