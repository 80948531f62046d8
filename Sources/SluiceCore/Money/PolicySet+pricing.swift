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
    package func price(_ entry: LedgerEntry) -> PricedUsage? {
        guard let end = entry.settlement, let usage = end.usage, let target = entry.target, let backend = self.backend(named: target.backend) else {
            return nil
        }
        let decided = end.total.map { entry.at - $0 } ?? entry.at
        let card = self.cardInForce(sent: target.backendModel, served: end.modelServed, at: backend, decided: decided, completed: entry.at)
        return card.flatMap { card in
            card.price(usage, tier: end.tierServed, window: self.windowFactor(of: card, at: card.pricedAt == .completion ? entry.at : decided))
        }
    }
}
