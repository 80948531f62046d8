import FoundationEssentials
import SluiceCore

/// The price map that LiteLLM ships (`model_prices_and_context_window.json`), as price lists: one for each provider.
///
/// Its amounts are per token, its keys say class, context tier and service tier at once:
/// `cache_read_input_token_cost_above_272k_tokens_priority`. A model whose prices are all 0 is left out: there 0 mostly means «not known».
package struct LiteLLMPriceMap: Sendable {
    package private(set) var lists: [PriceList] = []
    /// Models without a price per token or request, such as those for images and speech.
    package private(set) var unpriced = 0
    /// Models whose prices are all 0.
    package private(set) var free = 0

    /// Our names of the providers that are called differently there, and where their APIs listen.
    private static let providers: [String: (name: String, hosts: [String])] = [
        "openai": ("openai", ["api.openai.com", "eu.api.openai.com", "us.api.openai.com"]), "anthropic": ("anthropic", ["api.anthropic.com"]),
        "gemini": ("google", ["generativelanguage.googleapis.com"]), "deepseek": ("deepseek", ["api.deepseek.com"]), "groq": ("groq", ["api.groq.com"]),
        "cerebras": ("cerebras", ["api.cerebras.ai"]), "mistral": ("mistral", ["api.mistral.ai"]), "xai": ("xai", ["api.x.ai"]),
        "together_ai": ("together", ["api.together.xyz", "api.together.ai"]), "fireworks_ai": ("fireworks", ["api.fireworks.ai"]),
        "sambanova": ("sambanova", ["api.sambanova.ai"]), "openrouter": ("openrouter", ["openrouter.ai"]), "perplexity": ("perplexity", ["api.perplexity.ai"]),
        "deepinfra": ("deepinfra", ["api.deepinfra.com"]), "moonshot": ("moonshot", ["api.moonshot.ai"]),
    ]

    /// - Parameters:
    ///   - wanted: The providers to read, by our names; nil for all.
    ///   - day: The day on which the map was made, for `as_of`.
    /// - Throws: Where the file is no such map.
    package init(_ json: [UInt8], providers wanted: Set<String>? = nil, asOf day: String) throws {
        guard let entries = try? JSONDecoder().decode([String: Entry].self, from: Data(json)) else {
            throw PriceFileError(message: "this is no price map of LiteLLM's: an object with one object for each model")
        }
        var models: [String: [String: [RateCard]]] = [:]
        for (key, entry) in entries.sorted(by: { $0.key < $1.key }) {
            guard key != "sample_spec", let provider = entry.provider else { continue }
            let name = LiteLLMPriceMap.providers[provider]?.name ?? provider
            guard wanted?.contains(name) ?? true else { continue }
            guard var card = entry.card else {
                self.unpriced += 1
                continue
            }
            guard entry.costsAnything else {
                self.free += 1
                continue
            }
            card.asOf = day
            card.source = entry.source
            card.revision = card.fingerprint
            let model = key.hasPrefix(provider + "/") ? String(key.dropFirst(provider.count + 1)) : key
            // `x` and `provider/x` may both be listed; the plain name comes first.
            if models[name]?[model] == nil || key == model { models[name, default: [:]][model] = [card] }
        }
        self.lists = models.sorted { $0.key < $1.key }.map { name, models in
            PriceList(provider: name, hosts: LiteLLMPriceMap.providers.values.first { $0.name == name }?.hosts ?? [], models: models)
        }
    }
}

/// One model of the map.
private struct Entry: Decodable {
    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// What a key of the map says.
    private struct Meaning {
        var tokenClass: TokenClass
        var above: Int?
        var tier: String?

        init?(_ key: String) {
            var rest = Substring(key)
            for (suffix, tier) in [("_batches", "batch"), ("_flex", "flex"), ("_priority", "priority")] where rest.hasSuffix(suffix) {
                rest = rest.dropLast(suffix.count)
                self.tier = tier
            }
            if rest.hasSuffix("k_tokens") {
                let parts = rest.dropLast(8)
                guard let mark = parts.lastIndex(of: "_"), parts[..<mark].hasSuffix("_above"), let thousands = Int(parts[parts.index(after: mark)...]) else {
                    return nil
                }
                self.above = thousands * 1000
                rest = parts[..<mark].dropLast(6)
            }
            guard let tokenClass = Meaning.classes[String(rest)] else { return nil }
            self.tokenClass = tokenClass
        }

        private static let classes: [String: TokenClass] = [
            "input_cost_per_token": .input, "output_cost_per_token": .output, "cache_read_input_token_cost": .cachedInput,
            "cache_creation_input_token_cost": .cacheWrite5m, "cache_creation_input_token_cost_above_1hr": .cacheWrite1h,
            "output_cost_per_reasoning_token": .reasoning, "input_cost_per_audio_token": .audioInput, "output_cost_per_audio_token": .audioOutput,
            "input_cost_per_image_token": .imageInput,
        ]
    }

    var provider: String?
    var source: String?
    var perRequest: Money?
    private var prices: [(meaning: Meaning, price: TokenPrice)] = []

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        for key in values.allKeys {
            switch key.stringValue {
            case "litellm_provider": self.provider = try? values.decode(String.self, forKey: key)
            case "source": self.source = (try? values.decode(String.self, forKey: key)).flatMap { $0.contains("://") ? $0 : nil }
            case "input_cost_per_request":
                self.perRequest = (try? values.decode(Decimal.self, forKey: key)).flatMap { Money(rounding: $0.description) }
            default:
                // Decimal keeps the digits that the file has; a price per token is read as one per million.
                guard let meaning = Meaning(key.stringValue), let amount = try? values.decode(Decimal.self, forKey: key), amount >= 0,
                    let pico = DecimalText.round(amount.description, decimals: 12), let price = Int64(exactly: pico)
                else { continue }
                self.prices.append((meaning, TokenPrice(pico: price)))
            }
        }
    }

    var costsAnything: Bool { self.prices.contains { $0.price.pico > 0 } || (self.perRequest ?? .zero) != .zero }

    /// nil where nothing is charged by token or request.
    var card: RateCard? {
        guard !self.prices.isEmpty || self.perRequest != nil else { return nil }
        var card = RateCard(revision: "", prices: self.prices(tier: nil, above: nil))
        card.above = self.above(tier: nil)
        card.perRequest = self.perRequest ?? .zero
        for name in Set(self.prices.compactMap(\.meaning.tier)) {
            var tier = RateCard.Tier()
            tier.prices = self.prices(tier: name, above: nil)
            tier.above = self.above(tier: name)
            card.tiers[name] = tier
        }
        return card
    }

    private func prices(tier: String?, above: Int?) -> RateCard.Prices {
        var prices = RateCard.Prices(repeating: nil)
        for entry in self.prices where entry.meaning.tier == tier && entry.meaning.above == above { prices[entry.meaning.tokenClass] = entry.price }
        return prices
    }

    private func above(tier: String?) -> [RateCard.ContextTier] {
        Set(self.prices.filter { $0.meaning.tier == tier }.compactMap(\.meaning.above)).sorted().map {
            RateCard.ContextTier(threshold: $0, prices: self.prices(tier: tier, above: $0))
        }
    }
}
