import SluiceCore

/// What each kind of token costs; three records hold such figures.
struct PriceFigures: Sendable {
    var input = Setting<TokenPrice?>(nil)
    var cached = Setting<TokenPrice?>(nil)
    var cacheWrite = Setting<TokenPrice?>(nil)
    var cacheWrite1h = Setting<TokenPrice?>(nil)
    var output = Setting<TokenPrice?>(nil)
    var reasoning = Setting<TokenPrice?>(nil)
    var audioInput = Setting<TokenPrice?>(nil)
    var audioOutput = Setting<TokenPrice?>(nil)
    var imageInput = Setting<TokenPrice?>(nil)

    var prices: RateCard.Prices {
        var prices = RateCard.Prices(repeating: nil)
        prices.input = self.input.value
        prices.cachedInput = self.cached.value
        prices.cacheWrite5m = self.cacheWrite.value
        prices.cacheWrite1h = self.cacheWrite1h.value
        prices.output = self.output.value
        prices.reasoning = self.reasoning.value
        prices.audioInput = self.audioInput.value
        prices.audioOutput = self.audioOutput.value
        prices.imageInput = self.imageInput.value
        return prices
    }
}

protocol PricedRecord: PolicyRecord {
    var figures: PriceFigures { get set }
}

extension PricedRecord {
    /// - Parameter none: What stands in where `cached` and `reasoning` are not given.
    static func figureFields(cached: String?, reasoning: String?) -> [Field<Self>] {
        [
            Field("input", \.figures.input, Written.tokenPrice.orNone(), "Tokens of the prompt."),
            Field("cached", \.figures.cached, Written.tokenPrice.orNone(), "Tokens read from the provider's cache.", default: cached),
            Field("cache_write", \.figures.cacheWrite, Written.tokenPrice.orNone(), "Tokens written to the cache for five minutes."),
            Field("cache_write_1h", \.figures.cacheWrite1h, Written.tokenPrice.orNone(), "Tokens written to the cache for an hour."),
            Field("output", \.figures.output, Written.tokenPrice.orNone(), "Tokens of the answer."),
            Field("reasoning", \.figures.reasoning, Written.tokenPrice.orNone(), "Tokens that the model thinks with.", default: reasoning),
            Field("audio_input", \.figures.audioInput, Written.tokenPrice.orNone(), "Tokens of sound in the prompt."),
            Field("audio_output", \.figures.audioOutput, Written.tokenPrice.orNone(), "Tokens of sound in the answer."),
            Field("image_input", \.figures.imageInput, Written.tokenPrice.orNone(), "Tokens of pictures in the prompt."),
        ]
    }
}

/// A price in full, as `price:` of a backend holds one or several with dates.
struct PriceRecord: PricedRecord {
    var figures = PriceFigures()
    var perRequest = Setting(Money.zero)
    var above = Setting<[Keyed<Int, AboveRecord>]>([])
    var tier = Setting<[Named<TierSetting>]>([])
    var during = Setting<[Named<PriceFactor>]>([])
    var pricedAt = Setting(RateCard.PricedAt.completion)
    var validFrom = Setting<Timestamp?>(nil)
    var validUntil = Setting<Timestamp?>(nil)
    var asOf = Setting<String?>(nil)
    var source = Setting<String?>(nil)

    static let noun = "price"
    static let sentence =
        "What a model costs per 1M tokens; a kind of token without a price makes a request that used it unpriced, never free."
    static let fields: [Field<Self>] =
        PriceRecord.figureFields(cached: "as input", reasoning: "as output") + [
            Field("per_request", \.perRequest, Written.money, "A fee for each answered request."),
            Field(
                "above", \.above, FieldType.keyed("prompt tokens", Written.count(), AboveRecord.type),
                "Prices once the whole prompt has more than so many tokens; what is not named stays."),
            Field(
                "tier", \.tier, TierSetting.type.named("tier"),
                "What a service tier that was served changes: a percentage of the price, or prices of its own."),
            Field(
                "during", \.during, Written.percent(upTo: 1000).named("window"),
                "A percentage of the price while a window is open; the first open one counts."),
            Field(
                "priced_at", \.pricedAt, Written.choice(), "Whose price counts: the one in force at the end of a request, or at its start."),
            Field("valid_from", \.validFrom, Written.instant.ifGiven(), "From when the price holds."),
            Field("valid_until", \.validUntil, Written.instant.ifGiven(), "Until when it holds, exclusive."),
            Field("as_of", \.asOf, Written.day.ifGiven(), "The day on which it was read."),
            Field("source", \.source, Written.text.ifGiven(), "Where it was read."),
        ]
}

/// Prices beyond a number of prompt tokens.
struct AboveRecord: PricedRecord {
    var figures = PriceFigures()

    static let noun = "above"
    static let sentence = "Prices per 1M tokens of a long prompt."
    static let fields: [Field<Self>] = AboveRecord.figureFields(cached: "the price below", reasoning: "the price below")
}

/// Prices of a service tier.
struct TierRecord: PricedRecord {
    var figures = PriceFigures()
    var above = Setting<[Keyed<Int, AboveRecord>]>([])

    static let noun = "tier"
    static let sentence = "Prices per 1M tokens in a service tier; what is not named costs the base price."
    static let fields: [Field<Self>] =
        TierRecord.figureFields(
            cached: "as `input` of the tier, else the base price", reasoning: "as `output` of the tier, else the base price") + [
            Field(
                "above", \.above, FieldType.keyed("prompt tokens", Written.count(), AboveRecord.type),
                "Prices of long prompts in this tier.")
        ]
}

/// What a service tier changes.
enum TierSetting: Sendable {
    case factor(PriceFactor)
    case prices(TierRecord)

    static let type = FieldType<TierSetting>(
        word: "percentage or prices", schema: ["anyOf": [Written.percent(upTo: 1000).schema, ["$ref": "#/definitions/tier"]]],
        records: [TierRecord.self],
        read: { node, reader in
            if case .mapping = node.content { return TierRecord.read(node, &reader).map { .prices($0) } }
            return Written.percent(upTo: 1000).read(node, &reader).map { .factor($0) }
        },
        show: { setting in
            switch setting {
            case .factor(let factor): .scalar(factor.percent)
            case .prices(let record): TierRecord.type.show(record)
            }
        })
}

/// An entry of a mapping whose keys are values.
struct Keyed<Key: Sendable, Value: Sendable>: Sendable {
    var key: Key
    var name: Name
    var value: Value
}

extension FieldType {
    /// A mapping whose keys are values themselves, such as token counts.
    static func keyed<Key, Element>(_ noun: String, _ keys: FieldType<Key>, _ values: FieldType<Element>) -> FieldType
    where Value == [Keyed<Key, Element>] {
        let pairs = values.located.named(noun)
        return FieldType(
            word: pairs.word, schema: pairs.schema, records: values.records,
            read: { node, reader in
                guard let entries = pairs.read(node, &reader) else { return nil }
                let keyed = entries.compactMap { entry -> Keyed<Key, Element>? in
                    let node = SourceNode(content: .scalar(entry.name.text, isPlain: false), span: entry.name.span)
                    return keys.read(node, &reader).map { Keyed(key: $0, name: entry.name, value: entry.value.value) }
                }
                return keyed.count == entries.count ? keyed : nil
            },
            show: { .mapping($0.map { ShownValue.Member(key: $0.name.text, value: values.show($0.value), span: $0.name.span) }) })
    }
}
