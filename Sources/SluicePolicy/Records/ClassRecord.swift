import SluiceCore

/// An entry of `classes:`.
struct ClassRecord: PolicyRecord {
    var serve = Setting(TrafficClass.Serve.now)
    var use = Setting<[Name]>([])
    var latency = Setting(LatencyRecord())
    var deadline = Setting<Duration?>(nil)
    var during = Setting<[WindowExpression]>([])
    var promote = Setting<PromoteRecord?>(nil)
    var hold = Setting<Duration?>(nil)
    var maxCost = Setting<Money?>(nil)
    var retryAmbiguous = Setting<Int?>(nil)
    var timeouts = Setting(TimeoutsRecord())
    var hedge = Setting<HedgeRecord?>(nil)
    var spill = Setting<SpillRecord?>(nil)

    private static let now = Field<Self>.Condition("`serve: now`") { $0.serve.value == .now }
    private static let later = Field<Self>.Condition("`serve: later`") { $0.serve.value == .later }

    static let noun = "class"
    static let sentence = "How patient requests are, and where they may go."
    static let fields: [Field<Self>] = [
        Field("serve", \.serve, Written.choice(), "`now`: on the client's connection. `later`: written to the durable queue first."),
        Field(
            "use", \.use, Written.name("pool").list,
            "Pools or backends: tried in order by `now`, candidates all together, cheapest first, for `later`.", required: true),
        Field("latency", \.latency, LatencyRecord.type, "How long the client is ready to wait.", only: now),
        Field(
            "deadline", \.deadline, Written.duration.orNone(),
            "Required for `later`: the answer is there by then; `none`: work for capacity that nobody else wants.", only: later),
        Field("during", \.during, Written.windows(none: "any"), "When it may run.", only: later),
        Field("promote", \.promote, PromoteRecord.type.orNone(), "Where a request goes whose deadline comes near.", only: later),
        Field(
            "hold", \.hold, Written.duration.orNone(), "How long the connection of a client that never agreed to wait is kept open.",
            only: later),
        Field("max_cost", \.maxCost, Written.money.orNone(), "What one request may cost at most; beyond it, it fails."),
        Field(
            "retry_ambiguous", \.retryAmbiguous, Written.number(0...10).ifGiven(),
            "How often a request is sent again that may have been carried out.",
            default: "0 for `now`, 2 for `later`"),
        Field("timeouts", \.timeouts, TimeoutsRecord.type, "When one attempt is given up."),
        Field("hedge", \.hedge, HedgeRecord.type.orNone(), "A second attempt beside a slow one.", only: now),
        Field("spill", \.spill, SpillRecord.type.orNone(), "Leave the first pool while its queue is long.", only: now),
    ]
}

struct LatencyRecord: PolicyRecord {
    var firstToken = Setting<Duration?>(nil)
    var total = Setting<Duration?>(nil)

    static let noun = "latency"
    static let sentence = "How long a client is ready to wait."
    static let fields: [Field<Self>] = [
        Field("first_token", \.firstToken, Written.duration.orNone(), "Until the first token: planned against and counted, never cut."),
        Field("total", \.total, Written.duration.orNone(), "Until the end: cut with 504."),
    ]
}

struct PromoteRecord: PolicyRecord {
    var beforeDeadline = Setting(Duration.zero)
    var to = Setting(Name(text: "", span: SourceSpan(place: SourcePlace(file: "", line: 1, column: 1), length: 1)))

    static let noun = "promotion"
    static let sentence = "Moves a waiting request to another pool when its deadline comes near."
    static let fields: [Field<Self>] = [
        Field("before_deadline", \.beforeDeadline, Written.duration, "How long before the deadline.", required: true),
        Field("to", \.to, Written.name("pool"), "Where it goes.", required: true),
    ]
}

struct TimeoutsRecord: PolicyRecord {
    var firstToken = Setting<Duration?>(nil)
    var idle = Setting(Duration.seconds(30))

    static let noun = "timeouts"
    static let sentence = "When one attempt is given up."
    static let fields: [Field<Self>] = [
        Field("first_token", \.firstToken, Written.duration.orNone(), "Without a first token."),
        Field("idle", \.idle, Written.duration, "Without any further byte."),
    ]
}

struct HedgeRecord: PolicyRecord {
    enum Quantile: String, CaseIterable, Sendable { case p50, p75, p90, p95, p99 }

    var after = Setting(Quantile.p95)
    var budget = Setting(PriceFactor(millionths: 50_000))

    static let noun = "hedge"
    static let sentence = "A second attempt beside one that is slower than usual."
    static let fields: [Field<Self>] = [
        Field("after", \.after, Written.choice(), "The share of first tokens that are quicker."),
        Field("budget", \.budget, Written.percent(), "How many requests may have a second attempt."),
    ]
}

struct SpillRecord: PolicyRecord {
    var whenWait = Setting(Duration.zero)
    var maxSpend = Setting<Money?>(nil)

    static let noun = "spill"
    static let sentence = "Leaves the first pool of `use` while its predicted wait is long."
    static let fields: [Field<Self>] = [
        Field("when_wait", \.whenWait, Written.duration, "The wait beyond which it is left.", required: true),
        Field("max_spend", \.maxSpend, Written.money(per: "day", example: "40/day").orNone(), "What may be spent beyond it a day."),
    ]
}
