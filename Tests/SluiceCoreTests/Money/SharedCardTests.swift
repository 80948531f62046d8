import SluiceCore
import SluiceTesting
import Testing

@Suite struct SharedCardTests {
    /// What is looked up once is what the card says each time.
    @Test(arguments: [1, 2, UInt64.random(in: 3...UInt64.max)])
    func chargesWhatItsCardCharges(seed: UInt64) {
        var chance = RandomCards(seed: seed)
        var priced = 0
        for _ in 0..<2000 {
            let card = chance.card()
            let shared = SharedCard(card)
            let usage = chance.usage()
            let tier = [nil, nil, "default", "on_demand", "flex", "unheard-of"].randomElement(using: &chance.source) ?? nil
            let window = Bool.random(using: &chance.source) ? PriceFactor.one : PriceFactor(millionths: 700_000)
            let price = shared.price(usage, tier: tier, window: window)
            #expect(price == card.price(usage, tier: tier, window: window), "seed \(seed): \(card), \(usage), \(tier ?? "no tier")")
            let most = shared.highestPrice(prompt: usage.input, output: usage.output, window: window)
            #expect(most == card.highestPrice(prompt: usage.input, output: usage.output, window: window), "seed \(seed): \(card), \(usage)")
            if price != nil, most != nil { priced += 1 }
        }
        #expect(priced > 100, "seed \(seed)")
    }
}

private struct RandomCards {
    var source: SeededGenerator

    init(seed: UInt64) {
        self.source = SeededGenerator(seed: seed)
    }

    /// Flat in about half of the cases.
    mutating func card() -> RateCard {
        var card = RateCard(revision: "card", prices: self.prices(missing: 4))
        card.perRequest = Money(pico: self.isRare() ? 5000 : 0)
        if self.isRare() { card.tiers["flex"] = RateCard.Tier(factor: PriceFactor(millionths: 500_000)) }
        if self.isRare() { card.above = [RateCard.ContextTier(threshold: 100, prices: self.prices(missing: 2))] }
        if self.isRare() { card.discount = PriceFactor(millionths: 100_000) }
        return card
    }

    /// Now and then so many that the sum leaves 64 bits.
    mutating func usage() -> TokenUsage {
        var usage = TokenUsage()
        for tokenClass in TokenClass.allCases where !self.isRare() || tokenClass == .input {
            usage[tokenClass] = self.isRare() ? Int.random(in: 0...1 << 40, using: &self.source) : Int.random(in: 0...300, using: &self.source)
        }
        return usage
    }

    private mutating func prices(missing share: Int) -> RateCard.Prices {
        var prices = RateCard.Prices(repeating: nil)
        for tokenClass in TokenClass.allCases where Int.random(in: 0..<share * 4, using: &self.source) >= share {
            prices[tokenClass] = TokenPrice(pico: Int64.random(in: 0...20_000_000, using: &self.source))
        }
        return prices
    }

    private mutating func isRare() -> Bool { Int.random(in: 0..<5, using: &self.source) == 0 }
}
