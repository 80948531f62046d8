/// List prices by provider and model, as shipped and imported: what `prices: book` looks up.
package struct PriceBook: Sendable {
    package struct Row: Sendable {
        package var provider: String
        package var model: String
        package var cards: [RateCard]

        package init(provider: String, model: String, cards: [RateCard]) {
            self.provider = provider
            self.model = model
            self.cards = cards
        }
    }

    /// The provider whose API listens at a host.
    package var hosts: [String: String]
    package var currency = "USD"
    /// What the windows of its cards stand for, under names that no policy can give.
    package var windows: [String: DispatchWindow]
    private var byProvider: [String: [String: [RateCard]]] = [:]
    /// Models that one provider alone lists: no doubt whose price is meant.
    private var unique: [String: [RateCard]] = [:]

    package init(rows: [Row] = [], hosts: [String: String] = [:], windows: [String: DispatchWindow] = [:]) {
        self.hosts = hosts
        self.windows = windows
        var owners: [String: Int] = [:]
        for row in rows {
            self.byProvider[row.provider, default: [:]][row.model, default: []] += row.cards
            self.unique[row.model, default: []] += row.cards
        }
        for models in self.byProvider.values { for model in models.keys { owners[model, default: 0] += 1 } }
        self.unique = self.unique.filter { owners[$0.key] == 1 }
    }

    package var isEmpty: Bool { self.byProvider.isEmpty }

    /// Every row, by provider and model.
    package var rows: [Row] {
        self.byProvider.sorted { $0.key < $1.key }.flatMap { provider, models in
            models.sorted { $0.key < $1.key }.map { Row(provider: provider, model: $0.key, cards: $0.value) }
        }
    }

    /// The cards of a model at a host; a dated snapshot (`gpt-x-2026-05-01`) counts as its base model.
    package func cards(for model: String, host: String?) -> [RateCard] {
        let provider = host.flatMap { self.hosts[$0] }
        for name in [model, PriceBook.undated(model)] {
            if let provider, let cards = self.byProvider[provider]?[name] { return cards }
            if provider == nil, let cards = self.unique[name] { return cards }
        }
        return []
    }

    /// The name without a date at its end: `-2026-05-01`, `-20260501`, `@20260501`.
    package static func undated(_ model: String) -> String {
        let digits = model.utf8.reversed().prefix { ($0 >= 0x30 && $0 <= 0x39) || $0 == UInt8(ascii: "-") }
        let tail = String(decoding: digits.reversed(), as: UTF8.self)
        let base = model.dropLast(tail.count)
        let plain = tail.filter { $0 != "-" }
        guard plain.count == 8, plain.hasPrefix("20"), !base.isEmpty else { return model }
        return String(tail.hasPrefix("-") ? base : base.hasSuffix("@") ? base.dropLast() : model[...])
    }
}
