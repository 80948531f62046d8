import SluiceCore

/// An item of `substitute:`.
struct SubstituteRecord: PolicyRecord {
    var name = Setting<String?>(nil)
    var model = Setting<[Name]>([])
    var with = Setting<Name?>(nil)
    var why = Setting("")
    var when = Setting(ForRecord())
    var minPrecision = Setting<Model.Precision?>(nil)
    var minParams = Setting<Int?>(nil)
    var verify = Setting<PriceFactor?>(nil)

    static let noun = "substitution"
    static let sentence = "Replaces a model by another for work that may have it; in order, at most once per rule."
    static let fields: [Field<Self>] = [
        Field("name", \.name, Written.text.ifGiven(), "What it is called in reports.", default: "`substitute[N]`"),
        Field("model", \.model, Written.name("model").list, "The models that it replaces.", required: true),
        Field("with", \.with, Written.name("model").ifGiven(), "What is sent instead.", required: true),
        Field("why", \.why, Written.text, "The reason that clients are told in `Sluice-Route`.", required: true),
        Field("for", \.when, ForRecord.type, "Which work.", default: "every `later` class"),
        Field(
            "min_precision", \.minPrecision, Written.choice().ifGiven(),
            "Only where the substitute's weights are stored at least this finely."),
        Field("min_params", \.minParams, Written.count().ifGiven(), "Only where the substitute has at least so many weights."),
        Field(
            "verify", \.verify, Written.percent().orNone(),
            "The share of requests that run on the original afterwards, too, both answers kept for `sluice verify`."),
    ]
}

/// Which work a substitution is for: classes, and what a route's `match` may hold.
struct ForRecord: PolicyRecord {
    var classes = Setting<[Name]>([])
    var match = MatchRecord()

    static let noun = "for"
    static let sentence = "Which work a substitution is for: its classes, and everything that `match` of a route knows."
    static let fields: [Field<Self>] = [
        Field(
            "class", \.classes, Written.name("class").list, "Its classes; a `now` class only if it is named here.",
            default: "every `later` class"),
        Field("tenant", \.match.tenant, Written.pattern.located.list, "Whose it is."),
        Field("key", \.match.key, Written.pattern.list, "The name of the key it came with."),
        Field("endpoint", \.match.endpoint, Written.endpoint.list, "The endpoint that it came to."),
        Field("header", \.match.header, Written.pattern.list.named("header", keepsExtensions: true), "Headers of the request."),
        Field("metadata", \.match.metadata, Written.pattern.list.named("field", keepsExtensions: true), "Its tags and metadata."),
        Field("input_tokens", \.match.inputTokens, TokenRangeRecord.type.ifGiven(), "The estimated size of the prompt."),
        Field("stream", \.match.stream, Written.flag.ifGiven(), "Whether it asks for a stream."),
        Field("async", \.match.async, Written.flag.ifGiven(), "Whether the client agreed to wait."),
        Field("not", \.match.not, MatchRecord.type.list, "What it must not be."),
    ]
}
