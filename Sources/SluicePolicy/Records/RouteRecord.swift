import SluiceCore

/// An item of `routes:`.
struct RouteRecord: PolicyRecord {
    var name = Setting<String?>(nil)
    var match = Setting<Located<MatchRecord>?>(nil)
    var trafficClass = Setting<Name?>(nil)

    static let noun = "route"
    static let sentence = "Who is meant, and the class they get. The first that matches wins; the last has no `match`."
    static let fields: [Field<Self>] = [
        Field("name", \.name, Written.text.ifGiven(), "What it is called in answers and reports.", default: "`routes[N]`"),
        Field("match", \.match, MatchRecord.type.located.ifGiven(), "What a request must be.", default: "every request"),
        Field("class", \.trafficClass, Written.name("class").ifGiven(), "The class that it gets.", required: true),
    ]
}

/// What a request must be: every field that is given must hold, a list means any of it, `*` stands for anything.
struct MatchRecord: PolicyRecord {
    var tenant = Setting<[Located<Glob>]>([])
    var key = Setting<[Glob]>([])
    var model = Setting<[Located<Glob>]>([])
    var endpoint = Setting<[Endpoint]>([])
    var header = Setting<[Named<[Glob]>]>([])
    var metadata = Setting<[Named<[Glob]>]>([])
    var inputTokens = Setting<TokenRangeRecord?>(nil)
    var stream = Setting<Bool?>(nil)
    var async = Setting<Bool?>(nil)
    var not = Setting<[MatchRecord]>([])

    static let noun = "match"
    static let sentence = "What a request must be: all fields must hold, a list means any of it, `*` stands for anything."
    static let fields: [Field<Self>] = [
        Field("tenant", \.tenant, Written.pattern.located.list, "Whose it is."),
        Field("key", \.key, Written.pattern.list, "The name of the key it came with."),
        Field("model", \.model, Written.pattern.located.list, "The model that it asks for."),
        Field("endpoint", \.endpoint, Written.endpoint.list, "The endpoint that it came to."),
        Field("header", \.header, Written.pattern.list.named("header", keepsExtensions: true), "Headers of the request."),
        Field(
            "metadata", \.metadata, Written.pattern.list.named("field", keepsExtensions: true),
            "Its `Sluice-Tags` and the text values of the body's `metadata`."),
        Field("input_tokens", \.inputTokens, TokenRangeRecord.type.ifGiven(), "The estimated size of the prompt."),
        Field("stream", \.stream, Written.flag.ifGiven(), "Whether it asks for a stream."),
        Field("async", \.async, Written.flag.ifGiven(), "Whether the client agreed to wait, in any way."),
        Field("not", \.not, MatchRecord.type.list, "What it must not be."),
    ]
}

struct TokenRangeRecord: PolicyRecord {
    var min = Setting<Int?>(nil)
    var max = Setting<Int?>(nil)

    static let noun = "token range"
    static let sentence = "Bounds of an estimate, both included."
    static let fields: [Field<Self>] = [
        Field("min", \.min, Written.count(0...1_000_000_000).orNone(), "At least so many."),
        Field("max", \.max, Written.count(0...1_000_000_000).orNone(), "At most so many."),
    ]
}
