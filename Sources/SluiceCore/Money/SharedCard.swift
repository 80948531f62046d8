/// A rate card that many requests look at and none changes: cards are large, and every request needs several.
///
/// Most cards know nothing but a price for each class of token; what those charge is looked up once for all requests.
package final class SharedCard: Sendable {
    package let card: RateCard
    package let hasWindows: Bool
    private let flat: Flat?

    /// What a card without tiers, steps of the prompt's length and discounts charges while no window changes it.
    private final class Flat: Sendable {
        let listed: RateCard.Prices
        let units: UnitPrices
        let highest: RateCard.Prices?
        let perRequest: Money

        init(_ card: RateCard) {
            self.listed = card.listed(prompt: 0)
            self.units = UnitPrices(self.listed)
            self.highest = card.highest(prompt: 0)
            self.perRequest = card.perRequest
        }
    }

    package init(_ card: RateCard) {
        self.card = card
        self.hasWindows = !card.windows.isEmpty
        let isFlat = card.above.isEmpty && card.tiers.isEmpty && card.discount.millionths == 0
        self.flat = isFlat ? Flat(card) : nil
    }

    /// As ``RateCard/price(_:tier:window:)``.
    package func price(_ usage: TokenUsage, tier: String?, window: PriceFactor) -> PricedUsage? {
        guard let flat, window == .one, tier.map(RateCard.isPlain) ?? true else { return self.card.price(usage, tier: tier, window: window) }
        return RateCard.listPrice(usage, flat.listed, perRequest: flat.perRequest).map {
            PricedUsage(atOnePrice: $0, unitPrices: flat.units.used(by: usage), perRequest: flat.perRequest)
        }
    }

    /// As ``RateCard/highestPrice(prompt:output:window:)``.
    package func highestPrice(prompt: Int, output: Int, window: PriceFactor) -> Money? {
        guard let flat, window == .one else { return self.card.highestPrice(prompt: prompt, output: output, window: window) }
        return flat.highest.flatMap { RateCard.listPrice(TokenUsage(input: prompt, output: output), $0, perRequest: flat.perRequest) }
    }
}
