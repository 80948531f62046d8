import SluiceCore

extension RateCard {
    /// The card that a written price stands for.
    ///
    /// - Parameter windowPrefix: Goes before the names of windows, where they are not the policy's own.
    init(_ record: PriceRecord, discount: PriceFactor = PriceFactor(millionths: 0), windowPrefix: String = "") {
        self.init(revision: "", prices: record.figures.prices)
        self.above = [ContextTier](record.above.value)
        for entry in record.tier.value { self.tiers[entry.name.text] = Tier(entry.value) }
        self.windows = record.during.value.map { Window(name: windowPrefix + $0.name.text, factor: $0.value) }
        self.discount = discount
        self.perRequest = record.perRequest.value
        self.pricedAt = record.pricedAt.value
        self.validFrom = record.validFrom.value
        self.validUntil = record.validUntil.value
        self.source = record.source.value
        self.asOf = record.asOf.value
        self.revision = self.fingerprint
    }
}

extension [RateCard.ContextTier] {
    fileprivate init(_ entries: [Keyed<Int, AboveRecord>]) {
        self = entries.map { RateCard.ContextTier(threshold: $0.key, prices: $0.value.figures.prices) }.sorted {
            $0.threshold < $1.threshold
        }
    }
}

extension RateCard.Tier {
    fileprivate init(_ setting: TierSetting) {
        switch setting {
        case .factor(let factor):
            self.init(factor: factor)
        case .prices(let record):
            self.init()
            self.prices = record.figures.prices
            self.above = [RateCard.ContextTier](record.above.value)
        }
    }
}
