/// What an answer cost by a rate card, and the steps on the way: the levers of the waterfall need them.
package struct PricedUsage: Hashable, Sendable {
    /// At the base price: no tier, no window.
    package var base: Money
    /// With the factor of the tier that was served.
    package var tiered: Money
    /// With the window as well: what it costs.
    package var cost: Money
    /// The prices that were used, for the classes that were used.
    package var unitPrices: UnitPrices
    package var perRequest: Money

    package init(base: Money, tiered: Money, cost: Money, unitPrices: UnitPrices, perRequest: Money) {
        self.base = base
        self.tiered = tiered
        self.cost = cost
        self.unitPrices = unitPrices
        self.perRequest = perRequest
    }

    /// No tier and no window changes it.
    package init(atOnePrice cost: Money, unitPrices: UnitPrices, perRequest: Money) {
        self.init(base: cost, tiered: cost, cost: cost, unitPrices: unitPrices, perRequest: perRequest)
    }

    /// Recomputes the cost from counts and the unit prices that a row stored.
    package static func cost(of usage: TokenUsage, at unitPrices: UnitPrices, perRequest: Money) -> Money? {
        var total: Int128 = 0
        for tokenClass in usage.classes {
            guard let price = unitPrices[tokenClass] else { return nil }
            let (product, overflow) = Int128(usage[tokenClass]).multipliedReportingOverflow(by: price.value)
            let (sum, overflowed) = total.addingReportingOverflow(product)
            guard !overflow, !overflowed else { return nil }
            total = sum
        }
        guard let pico = Int64(exactly: total.dividedHalfEven(by: UnitPrice.perPico)) else { return nil }
        return Money(pico: pico) + perRequest
    }
}

extension RateCard {
    /// What a served tier changes; nil where the card does not know the tier.
    package func tier(named name: String?) -> Tier? {
        guard let name else { return Tier() }
        return self.tiers[name] ?? (RateCard.isPlain(tier: name) ? Tier() : nil)
    }

    /// Whether a served tier of this name changes nothing unless the card says so. `on_demand` is Groq's word for it.
    static func isPlain(tier name: String) -> Bool { ["default", "standard", "auto", "on_demand"].contains(name) }

    /// The price of a class for a prompt of so many tokens; a missing `cached` means `input`, a missing `reasoning` means `output`.
    package func price(of tokenClass: TokenClass, prompt: Int) -> TokenPrice? {
        RateCard.price(of: tokenClass, in: self.prices, above: self.above, prompt: prompt)
    }

    private static func price(of tokenClass: TokenClass, in prices: Prices, above: [ContextTier], prompt: Int) -> TokenPrice? {
        for tier in above.reversed() where prompt > tier.threshold {
            if let price = tier.prices[tokenClass] { return price }
        }
        if let price = prices[tokenClass] { return price }
        return tokenClass.fallback.flatMap { self.price(of: $0, in: prices, above: above, prompt: prompt) }
    }

    /// Prices `usage`.
    ///
    /// - Parameters:
    ///   - tier: The tier that was served, in the provider's word.
    ///   - window: The factor of the window that was open, see ``RateCard/windows``.
    /// - Returns: nil where the card lacks the tier or the price of a class that was used: the row is unpriced, never 0.
    package func price(_ usage: TokenUsage, tier name: String?, window: PriceFactor = .one) -> PricedUsage? {
        let prompt = usage.prompt
        if window == .one, self.discount.millionths == 0, self.isBase(tier: name) {
            let listed = self.listed(prompt: prompt)
            return RateCard.listPrice(usage, listed, perRequest: self.perRequest).map {
                PricedUsage(atOnePrice: $0, unitPrices: UnitPrices(listed).used(by: usage), perRequest: self.perRequest)
            }
        }
        return self.price(usage, self.listed(prompt: prompt), prompt: prompt, tier: name, window: window)
    }

    /// What ``price(_:tier:window:)`` would give at most: prompt tokens at the dearest price that any of them may have, generated ones likewise.
    ///
    /// - Parameter output: Tokens that may be generated.
    package func highestPrice(prompt: Int, output: Int, window: PriceFactor) -> Money? {
        guard let highest = self.highest(prompt: prompt) else { return nil }
        let usage = TokenUsage(input: prompt, output: output)
        if self.tiers.isEmpty, window == .one, self.discount.millionths == 0 {
            return RateCard.listPrice(usage, highest, perRequest: self.perRequest)
        }
        // The dearest tier that the card knows, since the one that will be served is not known.
        var most = self.price(usage, highest, prompt: prompt, tier: nil, window: window)?.cost
        for tier in self.tiers.keys {
            guard let cost = self.price(usage, highest, prompt: prompt, tier: tier, window: window)?.cost else { continue }
            most = max(most ?? cost, cost)
        }
        return most
    }

    /// The price of each class for a prompt of so many tokens.
    func listed(prompt: Int) -> Prices {
        var prices = Prices(repeating: nil)
        for tokenClass in TokenClass.allCases { prices[tokenClass] = self.price(of: tokenClass, prompt: prompt) }
        return prices
    }

    /// `input` at the dearest price of a prompt token, all else at that of an answer's; nil where the prompt has no price.
    func highest(prompt: Int) -> Prices? {
        guard let highest = self.promptPrices(prompt: prompt)?.upperBound else { return nil }
        let answer = [TokenClass.output, .reasoning].compactMap { self.price(of: $0, prompt: prompt) }.max { $0.pico < $1.pico }
        var prices = Prices(repeating: answer)
        prices.input = TokenPrice(pico: highest)
        return prices
    }

    private func isBase(tier name: String?) -> Bool {
        guard let name else { return true }
        return self.tiers[name] == nil && RateCard.isPlain(tier: name)
    }

    /// The price where no factor changes anything; nil also where the sum leaves 64 bits.
    static func listPrice(_ usage: TokenUsage, _ listed: Prices, perRequest: Money) -> Money? {
        var total: Int64 = 0
        for tokenClass in usage.classes {
            guard let price = listed[tokenClass] else { return nil }
            let (product, isTooMuch) = Int64(usage[tokenClass]).multipliedReportingOverflow(by: price.pico)
            let (sum, overflow) = total.addingReportingOverflow(product)
            guard !isTooMuch, !overflow else { return nil }
            total = sum
        }
        return Money(pico: total) + perRequest
    }

    private func price(_ usage: TokenUsage, _ listed: Prices, prompt: Int, tier name: String?, window: PriceFactor) -> PricedUsage? {
        guard let tier = self.tier(named: name) else { return nil }
        let off = Int128(self.discount.complement.millionths)
        let million: Int128 = 1_000_000
        var base: Int128 = 0
        var tiered: Int128 = 0
        var used = PerTokenClass<UnitPrice?>(repeating: nil)
        for tokenClass in usage.classes {
            guard let price = listed[tokenClass] else { return nil }
            // In units of a millionth picodollar: a tier's own price, or the base price times its factor.
            let own = RateCard.price(of: tokenClass, in: tier.prices, above: tier.above, prompt: prompt)
            let unit = own.map { Int128($0.pico) * million } ?? Int128(price.pico) * Int128(tier.factor.millionths)
            base += Int128(usage[tokenClass]) * Int128(price.pico) * million
            tiered += Int128(usage[tokenClass]) * unit
            used[tokenClass] = UnitPrice(value: unit * off * Int128(window.millionths))
        }
        guard
            let plain = self.amount(base, off * million), let tieredCost = self.amount(tiered, off * million),
            let cost = self.amount(tiered, off * Int128(window.millionths))
        else { return nil }
        return PricedUsage(base: plain, tiered: tieredCost, cost: cost, unitPrices: UnitPrices(used), perRequest: self.perRequest)
    }

    /// The cheapest and the dearest price of a prompt token, for bounds where usage is missing.
    package func promptPrices(prompt: Int) -> ClosedRange<Int64>? {
        var range: ClosedRange<Int64>?
        for tokenClass in TokenClass.allCases where tokenClass.isPrompt {
            guard let price = self.price(of: tokenClass, prompt: prompt)?.pico else { continue }
            range = range.map { min($0.lowerBound, price)...max($0.upperBound, price) } ?? price...price
        }
        return range
    }

    /// `list` in millionths of a picodollar, `factor` a product of two in millionths.
    private func amount(_ list: Int128, _ factor: Int128) -> Money? {
        let (product, overflow) = list.multipliedReportingOverflow(by: factor)
        guard !overflow, let pico = Int64(exactly: product.dividedHalfEven(by: UnitPrice.perPico)) else { return nil }
        return Money(pico: pico) + self.perRequest
    }
}

extension TokenClass {
    /// The class whose price stands in where the card does not name this one (`policy.md`, Prices).
    fileprivate var fallback: TokenClass? {
        switch self {
        case .cachedInput: .input
        case .reasoning: .output
        case .input, .cacheWrite5m, .cacheWrite1h, .output, .audioInput, .audioOutput, .imageInput: nil
        }
    }
}
