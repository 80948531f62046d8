import SluiceCore

/// Hardware of one's own has no price list: a request costs its share of the node's time, or its tokens' part of the hour.
extension Meter {
    /// A call whose end nobody saw is taken to have kept the node no longer than this.
    private static let longestWork = Duration.seconds(600)

    func hardware(of candidate: Route.Candidate) -> HardwareCost? { self.policy.hardware[candidate.backend] }

    func bound(of usage: TokenUsage, on hardware: HardwareCost, at instant: Timestamp) -> Money? {
        hardware.estimate(usage, work: Meter.longestWork, at: instant)
    }

    /// The end of an answer: the time is known whatever its usage says, tokens only where they are to be believed.
    func answered(_ end: LedgerEntry.Settlement, by facts: AnswerFacts, on hardware: HardwareCost, share: NodeMeter.Share?, at now: Timestamp)
        -> LedgerEntry.Settlement
    {
        var end = end
        end.marginalCost = share?.marginal
        if case .byToken = hardware.charge, let usage = end.usage, let price = hardware.tokenPrice(at: now) {
            let prices = UnitPrices(repeating: price).used(by: usage)
            end.unitPrices = prices
            end.setCost(PricedUsage.cost(of: usage, at: prices, perRequest: .zero))
        } else {
            end.setCost(share?.cost)
        }
        guard let cost = end.cost else { return end }
        let counted = end.usage ?? self.leastUsage(facts)
        self.compare(&end, counted, PricedUsage(atOnePrice: cost, unitPrices: .empty, perRequest: .zero), isSame: false)
        return end
    }

    /// An end of which tokens are not known: on a node that is paid by time nothing is uncertain.
    func interval(
        _ end: LedgerEntry.Settlement, on hardware: HardwareCost, share: NodeMeter.Share?, least: TokenUsage, most: TokenUsage, keepsBaseline: Bool,
        at now: Timestamp
    ) -> LedgerEntry.Settlement {
        var end = end
        end.marginalCost = share?.marginal
        if let price = hardware.tokenPrice(at: now) {
            end.costLow = PricedUsage.cost(of: least, at: UnitPrices(repeating: price), perRequest: .zero)
            end.costHigh = PricedUsage.cost(of: most, at: UnitPrices(repeating: price), perRequest: .zero).map { max($0, end.costLow ?? $0) }
        } else {
            end.evidence = .computed
            end.setCost(share?.cost)
        }
        if keepsBaseline { end.baseline = self.baselineCost(of: least) }
        return end
    }
}

extension LedgerEntry.Settlement {
    /// A certain cost is its own interval.
    fileprivate mutating func setCost(_ cost: Money?) {
        self.cost = cost
        self.costLow = cost
        self.costHigh = cost
        if cost == nil { self.evidence = .unpriced }
    }
}
