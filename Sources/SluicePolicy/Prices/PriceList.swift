package import SluiceCore

/// The prices of one provider, as a file of the price book holds them.
package struct PriceList: Sendable {
    package var provider: String
    package var hosts: [String]
    package var currency: String
    package var models: [String: [RateCard]]

    package init(provider: String, hosts: [String], currency: String = "USD", models: [String: [RateCard]]) {
        self.provider = provider
        self.hosts = hosts
        self.currency = currency
        self.models = models
    }

    /// Puts this list in the place of an older one. A price that changed holds from `day` on, and the old one until then: prices that
    /// were in force are never edited; one that stayed has been read again. Models that are no longer listed keep what they have, and so do those with prices of a later day.
    package func dated(after old: PriceList, on day: Timestamp) -> PriceList {
        var result = self
        result.models = old.models.merging(self.models) { before, now in
            guard let newest = before.first(where: { $0.validUntil == nil }), let card = now.first, now.count == 1, card.validFrom == nil else { return now }
            guard !newest.isNewer(than: day) else { return before }
            guard !newest.saysTheSame(as: card) else { return before.map { $0 == newest ? $0.read(again: card) : $0 } }
            return before.map { $0 == newest ? $0.valid(from: $0.validFrom, until: day) : $0 }.filter { $0.validFrom ?? .distantPast < day }
                + [card.valid(from: day, until: nil)]
        }
        return result
    }

    /// How many models have prices of a later day than `day`.
    package func newer(than day: String) -> Int {
        guard let day = Timestamp(rfc3339: day) else { return 0 }
        return self.models.values.count { $0.contains { $0.validUntil == nil && $0.isNewer(than: day) } }
    }

    /// The file.
    ///
    /// - Parameter comment: Lines that go before it.
    package func yaml(comment: [String] = []) -> String {
        var text = comment.map { $0.isEmpty ? "#\n" : "# \($0)\n" }.joined()
        text += "version: 1\nprovider: \(PriceList.scalar(self.provider))\n"
        if !self.hosts.isEmpty { text += "hosts: [\(self.hosts.joined(separator: ", "))]\n" }
        text += "currency: \(self.currency)\nmodels:\n"
        for (model, cards) in self.models.sorted(by: { $0.key < $1.key }) {
            let written = cards.map(\.written)
            text += "  \(PriceList.scalar(model)): \(written.count == 1 ? written[0] : "[ \(written.joined(separator: ", ")) ]")\n"
        }
        return text
    }

    /// Plain where YAML reads it as a name, else in quotes.
    static func scalar(_ text: String) -> String {
        let isPlain = text.utf8.first.map { ($0 | 0x20 >= 0x61) && ($0 | 0x20 <= 0x7A) } ?? false
        let rest = text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "-._/".utf8.contains(byte)
            }
        }
        if isPlain, rest, !["true", "false", "null", "yes", "no", "on", "off"].contains(text.lowercased()) { return text }
        return "\"" + text.reduce(into: "") { $0 += $1 == "\"" || $1 == "\\" ? "\\\($1)" : String($1) } + "\""
    }
}

extension RateCard {
    /// Whether two cards charge the same, whenever and by whomever they were read.
    package func saysTheSame(as other: RateCard) -> Bool {
        self.prices == other.prices && self.above == other.above && self.tiers == other.tiers && self.windows == other.windows
            && self.perRequest == other.perRequest && self.pricedAt == other.pricedAt && self.discount == other.discount
    }

    /// The same price, read on another day.
    fileprivate func read(again other: RateCard) -> RateCard {
        var card = self
        card.asOf = other.asOf
        card.source = other.source ?? self.source
        card.revision = card.fingerprint
        return card
    }

    /// Whether it was read, or begins, after a day.
    fileprivate func isNewer(than day: Timestamp) -> Bool {
        [self.validFrom, self.asOf.flatMap { Timestamp(rfc3339: $0) }].contains { $0.map { day < $0 } ?? false }
    }

    fileprivate func valid(from: Timestamp?, until: Timestamp?) -> RateCard {
        var card = self
        card.validFrom = from
        card.validUntil = until
        return card
    }

    /// As a flow mapping.
    fileprivate var written: String {
        var members = self.prices.written
        if self.perRequest != .zero { members.append("per_request: \(self.perRequest)") }
        if let above = self.above.written { members.append(above) }
        if !self.tiers.isEmpty {
            let tiers = self.tiers.sorted { $0.key < $1.key }.map { "\(PriceList.scalar($0.key)): \($0.value.written)" }
            members.append("tier: { \(tiers.joined(separator: ", ")) }")
        }
        if self.pricedAt != .completion { members.append("priced_at: \(self.pricedAt.rawValue)") }
        if let from = self.validFrom { members.append("valid_from: \(from)") }
        if let until = self.validUntil { members.append("valid_until: \(until)") }
        if let asOf = self.asOf { members.append("as_of: \(asOf)") }
        if let source = self.source { members.append("source: \(PriceList.scalar(source))") }
        return "{ \(members.joined(separator: ", ")) }"
    }
}

extension RateCard.Tier {
    fileprivate var written: String {
        if self.prices == RateCard.Prices(repeating: nil), self.above.isEmpty { return self.factor.percent }
        return "{ \((self.prices.written + (self.above.written.map { [$0] } ?? [])).joined(separator: ", ")) }"
    }
}

extension RateCard.Prices {
    fileprivate var written: [String] {
        TokenClass.allCases.compactMap { tokenClass in self[tokenClass].map { "\(tokenClass.priceKey): \($0.perMillion)" } }
    }
}

extension [RateCard.ContextTier] {
    fileprivate var written: String? {
        guard !self.isEmpty else { return nil }
        let tiers = self.map { tier in
            "\(tier.threshold % 1000 == 0 ? "\(tier.threshold / 1000)k" : "\(tier.threshold)"): { \(tier.prices.written.joined(separator: ", ")) }"
        }
        return "above: { \(tiers.joined(separator: ", ")) }"
    }
}

extension TokenClass {
    /// What a price calls it.
    package var priceKey: String {
        switch self {
        case .cachedInput: "cached"
        case .cacheWrite5m: "cache_write"
        case .input, .cacheWrite1h, .output, .reasoning, .audioInput, .audioOutput, .imageInput: self.name
        }
    }
}
