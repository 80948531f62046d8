extension PolicySet {
    /// The card that an answer is priced by: that of the model that answered if it has one of its own, else of the model that was sent.
    ///
    /// - Parameters:
    ///   - decided: When the request came in, for cards that are priced at the start.
    ///   - completed: When the answer was whole.
    package func cardInForce(sent: String, served: String?, at backend: Backend, decided: Timestamp, completed: Timestamp) -> RateCard? {
        func card(_ model: String) -> RateCard? {
            guard let current = self.card(for: model, at: backend, on: completed) else { return nil }
            return current.pricedAt == .completion ? current : self.card(for: model, at: backend, on: decided)
        }
        if let served, served != sent, let own = card(served) { return own }
        return card(sent)
    }

    /// What an entry's stored tokens cost by the cards of this policy, at the instant at which it was settled; nil where they do not tell.
    package func price(_ entry: LedgerEntry) -> PricedUsage? { self.price(entry, decided: entry.decided, completed: entry.at) }

    /// The same at instants that are given.
    package func price(_ entry: LedgerEntry, decided: Timestamp, completed: Timestamp) -> PricedUsage? {
        guard let end = entry.settlement, let usage = end.usage else { return nil }
        return self.card(for: entry, decided: decided, completed: completed).flatMap { card in
            card.price(usage, tier: end.tierServed, window: self.windowFactor(of: card, at: card.pricedAt == .completion ? completed : decided))
        }
    }

    /// The same by the cards of one instant, in the windows of the entry's own.
    package func price(_ entry: LedgerEntry, byCardsOf instant: Timestamp) -> PricedUsage? {
        guard let end = entry.settlement, let usage = end.usage else { return nil }
        return self.card(for: entry, decided: instant, completed: instant).flatMap { card in
            card.price(usage, tier: end.tierServed, window: self.windowFactor(of: card, at: card.pricedAt == .completion ? entry.at : entry.decided))
        }
    }

    /// The card that prices an entry.
    package func card(for entry: LedgerEntry, decided: Timestamp, completed: Timestamp) -> RateCard? {
        guard let target = entry.target, let backend = self.backend(named: target.backend) else { return nil }
        return self.cardInForce(
            sent: target.backendModel, served: entry.settlement?.modelServed, at: backend, decided: decided, completed: completed)
    }

    /// What the declared baseline would have taken for an entry's tokens, by the cards in force when it was decided; nil without a price.
    package func baselineCost(of entry: LedgerEntry) -> Money? {
        guard let baseline = self.baseline, let usage = entry.settlement?.usage, let requested = entry.subject.flatMap({ self.model(named: $0.model) }) else {
            return nil
        }
        let model: Model =
            switch baseline.model {
            case .requested: requested
            case .fixed(let index): self.models[index]
            }
        let backend = self.backends[baseline.backend]
        guard self.hardware[backend.index] == nil, let offer = model.offers[backend.index],
            let card = self.card(for: offer.name, at: backend, on: entry.decided)
        else { return nil }
        var counted = usage
        if baseline.ignoresCache {
            counted.input += counted.cachedInput
            counted.cachedInput = 0
        }
        return card.price(counted, tier: nil, window: self.windowFactor(of: card, at: entry.decided))?.cost
    }
}

extension PolicySet {
    /// The earliest day on which a price was read that is in use; nil where none says.
    package func oldestPrice(at now: Timestamp) -> String? {
        self.models.flatMap { model in
            self.backends.compactMap { backend in model.offers[backend.index].flatMap { self.card(for: $0.name, at: backend, on: now)?.asOf } }
        }.min()
    }
}

extension LedgerEntry {
    /// When its request was decided on, as closely as an end of an attempt tells.
    package var decided: Timestamp { self.settlement?.total.map { self.at - $0 } ?? self.at }
}
