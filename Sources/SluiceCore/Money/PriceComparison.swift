/// What other prices would change for entries of the ledger, by backend and model.
package struct PriceComparison: Sendable {
    package struct Row: Sendable {
        package var backend: String
        package var model: String
        package var requests = 0
        package var before = MoneySum.zero
        package var after = MoneySum.zero
        /// Requests that only one side has a price for: in neither sum.
        package var unpriced = 0

        package var difference: MoneySum { self.after - self.before }
    }

    private struct Key: Hashable {
        var backend: String
        var model: String
    }

    private let old: PolicySet
    private let new: PolicySet
    private let instant: Timestamp
    private var sums: [Key: Row] = [:]

    /// - Parameters:
    ///   - old: The policy with the prices in force.
    ///   - new: The same with others.
    ///   - instant: Whose cards are compared: a price that begins today says nothing of the tokens of last month otherwise.
    package init(from old: PolicySet, to new: PolicySet, at instant: Timestamp) {
        self.old = old
        self.new = new
        self.instant = instant
    }

    /// Adds an entry; only ends of attempts with counted tokens say anything.
    package mutating func add(_ entry: LedgerEntry) {
        guard entry.kind == .settled || entry.kind == .waste, let target = entry.target, entry.settlement?.usage != nil else { return }
        let key = Key(backend: target.backend, model: target.backendModel)
        var row = self.sums[key] ?? Row(backend: target.backend, model: target.backendModel)
        let (before, after) = (self.old.price(entry, byCardsOf: self.instant), self.new.price(entry, byCardsOf: self.instant))
        row.requests += 1
        if let before, let after {
            row.before += before.cost
            row.after += after.cost
        } else {
            row.unpriced += 1
        }
        self.sums[key] = row
    }

    /// The greatest change first.
    package var rows: [Row] {
        self.sums.values.sorted { a, b in
            let (x, y) = (a.difference.pico.magnitude, b.difference.pico.magnitude)
            return x == y ? (a.backend, a.model) < (b.backend, b.model) : x > y
        }
    }
}

/// One price that two price books have differently.
package struct PriceChange: Sendable {
    package var provider: String
    package var model: String
    /// A token class by its key in a price, with the context tier or service tier before it: `priority output`.
    package var what: String
    package var old: String?
    package var new: String?

    /// Every price that differs between the cards in force at an instant.
    package static func all(from old: PriceBook, to new: PriceBook, at instant: Timestamp) -> [PriceChange] {
        func cards(_ book: PriceBook) -> [String: [String: RateCard]] {
            book.rows.reduce(into: [:]) { $0[$1.provider, default: [:]][$1.model] = $1.cards.first { $0.isValid(at: instant) } }
        }
        let (before, after) = (cards(old), cards(new))
        // A provider that the new book does not list is not a change.
        return before.keys.filter { after[$0] != nil }.sorted().flatMap { provider in
            let (a, b) = (before[provider] ?? [:], after[provider] ?? [:])
            return Set(a.keys).intersection(b.keys).sorted().flatMap { model -> [PriceChange] in
                let (x, y) = (a[model]?.figures ?? [:], b[model]?.figures ?? [:])
                return Set(x.keys).union(y.keys).sorted().filter { x[$0] != y[$0] }.map {
                    PriceChange(provider: provider, model: model, what: $0, old: x[$0], new: y[$0])
                }
            }
        }
    }
}

extension RateCard {
    /// Every figure by what it is for.
    fileprivate var figures: [String: String] {
        var figures: [String: String] = [:]
        func add(_ prices: Prices, _ before: String) {
            for tokenClass in TokenClass.allCases { if let price = prices[tokenClass] { figures[before + tokenClass.name] = price.perMillion } }
        }
        func add(_ above: [ContextTier], _ before: String) { for tier in above { add(tier.prices, "\(before)above \(tier.threshold) ") } }
        add(self.prices, "")
        add(self.above, "")
        for (name, tier) in self.tiers {
            // A percentage and the prices that it amounts to say the same.
            for tokenClass in TokenClass.allCases {
                let share = self.prices[tokenClass].map { UnitPrice(value: Int128($0.pico) * Int128(tier.factor.millionths) * 1_000_000_000_000) }
                figures["\(name) \(tokenClass.name)"] = tier.prices[tokenClass]?.perMillion ?? share?.perMillion
            }
            add(tier.above, name + " ")
        }
        if self.perRequest != .zero { figures["per request"] = self.perRequest.description }
        return figures
    }
}
