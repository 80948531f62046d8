import SluiceCore

/// An item of `tests:`.
struct TestRecord: PolicyRecord {
    var name = Setting("")
    var at = Setting<Timestamp?>(nil)
    var request = Setting(RequestRecord())
    var expect = Setting(ExpectRecord())

    static let noun = "test"
    static let sentence = "A request and what must become of it; tests run in `check` and before every reload."
    static let fields: [Field<Self>] = [
        Field("name", \.name, Written.text, "What it says.", required: true),
        Field("at", \.at, Written.instant.ifGiven(), "When the request comes in.", default: "now"),
        Field("request", \.request, RequestRecord.type, "The request.", required: true),
        Field("expect", \.expect, ExpectRecord.type, "What must become of it.", required: true),
    ]
}

struct RequestRecord: PolicyRecord {
    var tenant = Setting<Name?>(nil)
    var key = Setting<String?>(nil)
    var model = Setting<Name?>(nil)
    var endpoint = Setting(Endpoint.chat)
    var stream = Setting(false)
    var header = Setting<[Named<String>]>([])
    var metadata = Setting<[Named<String>]>([])
    var inputTokens = Setting(0)
    var maxTokens = Setting<Int?>(nil)
    var async = Setting(false)
    var trafficClass = Setting<Name?>(nil)
    var deadline = Setting<Duration?>(nil)

    static let noun = "request"
    static let sentence = "A request that a test imagines."
    static let fields: [Field<Self>] = [
        Field("tenant", \.tenant, Written.name("tenant").ifGiven(), "Whose it is.", default: "the tenant of `key`, else `default`"),
        Field("key", \.key, Written.text.ifGiven(), "The name of the key it came with."),
        Field("model", \.model, Written.name("model").ifGiven(), "The model that it asks for.", required: true),
        Field("endpoint", \.endpoint, Written.endpoint, "The endpoint that it came to."),
        Field("stream", \.stream, Written.flag, "Whether it asks for a stream."),
        Field("header", \.header, Written.text.named("header", keepsExtensions: true), "Its headers."),
        Field("metadata", \.metadata, Written.text.named("field", keepsExtensions: true), "Its tags and metadata."),
        Field("input_tokens", \.inputTokens, Written.count(0...1_000_000_000), "The size of its prompt."),
        Field("max_tokens", \.maxTokens, Written.count().ifGiven(), "The longest answer that it allows."),
        Field("async", \.async, Written.flag, "Whether the client agreed to wait, by `Prefer: respond-async`."),
        Field("class", \.trafficClass, Written.name("class").ifGiven(), "The class that it asks for, by `Sluice-Class`."),
        Field("deadline", \.deadline, Written.duration.ifGiven(), "The deadline that it asks for, by `Sluice-Deadline`."),
    ]
}

struct ExpectRecord: PolicyRecord {
    var trafficClass = Setting<Name?>(nil)
    var serve = Setting<TrafficClass.Serve?>(nil)
    var route = Setting<Name?>(nil)
    var model = Setting<Name?>(nil)
    var pool = Setting<Name?>(nil)
    var backend = Setting<Name?>(nil)
    var notBefore = Setting<Timestamp?>(nil)
    var deadline = Setting<Timestamp?>(nil)

    static let noun = "expectation"
    static let sentence = "What must become of a request; what is not given is not looked at."
    static let fields: [Field<Self>] = [
        Field("class", \.trafficClass, Written.name("class").ifGiven(), "Its class."),
        Field("serve", \.serve, Written.choice().ifGiven(), "Whether it is served at once."),
        Field("route", \.route, Written.name("route").ifGiven(), "The route that took it: its name, or `routes[N]`."),
        Field("model", \.model, Written.name("model").ifGiven(), "The model that is sent, after substitutions."),
        Field("pool", \.pool, Written.name("pool").ifGiven(), "The pool that it goes to first."),
        Field("backend", \.backend, Written.name("backend").ifGiven(), "The backend that it goes to first, all of them being up and idle."),
        Field("not_before", \.notBefore, Written.instant.ifGiven(), "When it may run at the earliest."),
        Field("deadline", \.deadline, Written.instant.ifGiven(), "When its answer must be there."),
    ]
}
