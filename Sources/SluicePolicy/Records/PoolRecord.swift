import SluiceCore

/// An entry of `pools:`.
struct PoolRecord: PolicyRecord {
    enum FailoverWord: String, CaseIterable, Sendable {
        case connect, timeout
        case rateLimit = "429"
        case serverError = "5xx"
    }

    var backends = Setting<[Name]>([])
    var pick = Setting(Pool.Pick.inOrder)
    var weights = Setting<[Named<Int>]>([])
    var failover = Setting(FailoverWord.allCases)
    var retry = Setting(2)
    var affinity = Setting<AffinityRecord?>(nil)

    static let noun = "pool"
    static let sentence = "Backends that may stand in for one another. A backend is a pool of one under its own name."
    static let fields: [Field<Self>] = [
        Field("backends", \.backends, Written.name("backend").list, "Its backends; the order counts for `pick: in-order`.", required: true),
        Field("pick", \.pick, Written.choice(), "Which of its backends is tried first."),
        Field("weights", \.weights, Written.count(0...1_000_000).named("backend"), "Shares for `pick: weighted`.", default: "1 for each"),
        Field(
            "failover", \.failover, Written.choice().listOrEmpty,
            "What may be tried again elsewhere before the first byte has gone to the client."),
        Field("retry", \.retry, Written.number(1...3), "Attempts within the pool; over all pools at most 3."),
        Field("affinity", \.affinity, AffinityRecord.type.orNone(), "Same beginning of the prompt, same backend."),
    ]
}

struct AffinityRecord: PolicyRecord {
    enum By: String, CaseIterable, Sendable { case prefix }

    var by = Setting(By.prefix)
    var tokens = Setting(256)
    var spill = Setting(PriceFactor(millionths: 1_250_000))

    static let noun = "affinity"
    static let sentence = "Requests that begin alike go to the same backend, whose cache then knows the beginning."
    static let fields: [Field<Self>] = [
        Field("by", \.by, Written.choice(), "What makes requests alike."),
        Field("tokens", \.tokens, Written.count(1...1_000_000), "How many tokens of the prompt's beginning count, of four bytes each."),
        Field(
            "spill", \.spill, Written.factor,
            "That backend takes no more than so many times the mean load of those that could; then the prompt's next one is asked."),
    ]
}
