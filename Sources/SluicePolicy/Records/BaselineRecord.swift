import SluiceCore

/// The section `baseline:`.
struct BaselineRecord: PolicyRecord {
    enum ServeWord: String, CaseIterable, Sendable { case now }
    enum CacheWord: String, CaseIterable, Sendable { case same, none }

    var backend = Setting<Name?>(nil)
    var model = Setting<Name?>(nil)
    var serve = Setting(ServeWord.now)
    var cache = Setting(CacheWord.same)

    static let noun = "baseline"
    static let sentence = "What savings are measured against: the same tokens, at once, at one backend's prices."
    static let fields: [Field<Self>] = [
        Field("backend", \.backend, Written.name("backend").ifGiven(), "Whose prices count.", required: true),
        Field(
            "model", \.model, Written.name("model").ifGiven(), "`requested`: the model that the client asked for; else one model for all.",
            default: "requested"),
        Field("serve", \.serve, Written.choice(), "Always at once."),
        Field("cache", \.cache, Written.choice(), "`none`: cached tokens count as plain input, a declared assumption that reports repeat."),
    ]
}
