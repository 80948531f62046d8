/// A rate card that many requests look at and none changes: cards are large, and to copy one costs more than to price by it.
///
/// Most cards have one price for each class, whatever was asked: those are worked out once.
package final class SharedCard: Sendable {
    package let card: RateCard
    /// nil where the tier, the discount or the length of the prompt has a say.
    private let flat: RateCard.Prices?
    /// Of a flat card: the dearest class that prompt tokens, and generated ones, may be billed in.
    private let dearestPrompt: TokenPrice?
    private let dearestAnswer: TokenPrice?

    package init(_ card: RateCard) {
        self.card = card
        guard card.above.isEmpty, card.tiers.isEmpty, card.discount.millionths == 0 else {
            self.flat = nil
            self.dearestPrompt = nil
            self.dearestAnswer = nil
            return
        }
        var prices = RateCard.Prices(repeating: nil)
        for tokenClass in TokenClass.allCases { prices[tokenClass] = card.price(of: tokenClass, prompt: 0) }
        self.flat = prices
        self.dearestPrompt = card.promptPrices(prompt: 0).map { TokenPrice(pico: $0.upperBound) }
        self.dearestAnswer = [prices[.output], prices[.reasoning]].compactMap { $0 }.max { $0.pico < $1.pico }
    }

    /// As ``RateCard/price(_:tier:window:)``.
    package func price(_ usage: TokenUsage, tier: String?, window: PriceFactor) -> PricedUsage? {
        guard let flat, window == .one, tier.map(RateCard.isOrdinary) ?? true else { return self.card.price(usage, tier: tier, window: window) }
        return RateCard.listPrice(usage, perRequest: self.card.perRequest) { flat[$0] }
    }

    /// As ``RateCard/highestPrice(prompt:output:window:)``.
    package func highestPrice(prompt: Int, output: Int, window: PriceFactor) -> Money? {
        guard self.flat != nil, window == .one else { return self.card.highestPrice(prompt: prompt, output: output, window: window) }
        guard let dearestPrompt else { return nil }
        let usage = TokenUsage(input: prompt, output: output)
        return RateCard.listPrice(usage, perRequest: self.card.perRequest) { $0 == .input ? dearestPrompt : self.dearestAnswer }?.cost
    }
}
