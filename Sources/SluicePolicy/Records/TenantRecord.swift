import SluiceCore

/// An entry of `tenants:`.
struct TenantRecord: PolicyRecord {
    var keys = Setting<[Glob]>([])
    var models = Setting<[Located<Glob>]?>(nil)
    var classes = Setting<[Name]>([])
    var limits = Setting(LimitsRecord())
    var weight = Setting(1)
    var timezone = Setting<Name?>(nil)
    var retention = Setting(TenantRetentionRecord())
    var costCenter = Setting<String?>(nil)

    static let noun = "tenant"
    static let sentence = "Whose requests they are: a team, an application, a customer. `default` is any other valid key."
    static let fields: [Field<Self>] = [
        Field("keys", \.keys, Written.pattern.listOrEmpty, "Patterns of the names of its keys."),
        Field("models", \.models, Written.pattern.located.list.ifGiven(), "The models that it may use.", default: "all"),
        Field(
            "classes", \.classes, Written.name("class").listOrEmpty,
            "The more urgent classes that its clients may ask for; `*` allows all. Routes may give any class."),
        Field("limits", \.limits, LimitsRecord.type, "What it may use at a time."),
        Field("weight", \.weight, Written.number(1...1000), "Its share of the queue within one urgency."),
        Field(
            "timezone", \.timezone, Written.name("zone").ifGiven(), "The zone of deadlines that its clients write as a time of day.",
            default: "`timezone` of the policy"),
        Field("retention", \.retention, TenantRetentionRecord.type, "How long its things are kept."),
        Field("cost_center", \.costCenter, Written.text.ifGiven(), "A word for reports and bills."),
    ]
}

struct LimitsRecord: PolicyRecord {
    var concurrent = Setting<Int?>(nil)
    var requestsPerMinute = Setting<Int?>(nil)
    var tokensPerMinute = Setting<Int?>(nil)
    var liveReserve = Setting<PriceFactor?>(nil)
    var enqueuedTokens = Setting<Int?>(nil)

    static let noun = "limits"
    static let sentence = "How much may be in use at a time."
    static let fields: [Field<Self>] = [
        Field("concurrent", \.concurrent, Written.count().orNone(), "Requests at a time."),
        Field("requests_per_minute", \.requestsPerMinute, Written.count().orNone(), "Requests started within a minute."),
        Field("tokens_per_minute", \.tokensPerMinute, Written.count().orNone(), "Tokens, estimated at the start and settled at the end."),
        Field(
            "live_reserve", \.liveReserve, Written.percent().orNone(), "The share of `concurrent` that only live work may use, at least 1."),
        Field(
            "enqueued_tokens", \.enqueuedTokens, Written.count().orNone(),
            "Tokens that may wait in a provider's batches of one model; of `openai-batch` and `anthropic-batch`."),
    ]
}
