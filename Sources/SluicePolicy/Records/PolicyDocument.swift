import SluiceCore

/// All sections of a policy: of one file, or of several merged.
struct PolicyDocument: PolicyRecord {
    enum Unpriced: String, CaseIterable, Sendable { case allow, reject }

    var version = Setting(1)
    var currency = Setting("USD")
    var timezone = Setting<Name?>(nil)
    var unpriced = Setting(Unpriced.allow)
    var server = Setting(ServerRecord())
    var webhooks = Setting(WebhooksRecord())
    var windows = Setting<[Named<Located<WindowRecord>>]>([])
    var tenants = Setting<[Named<TenantRecord>]>([])
    var backends = Setting<[Named<BackendRecord>]>([])
    var models = Setting<[Named<[Named<OfferRecord>]>]>([])
    var pools = Setting<[Named<PoolRecord>]>([])
    var classes = Setting<[Named<ClassRecord>]>([])
    var substitute = Setting<[Located<SubstituteRecord>]>([])
    var budgets = Setting<[Named<BudgetRecord>]>([])
    var routes = Setting<[Located<RouteRecord>]>([])
    var baseline = Setting<Located<BaselineRecord>?>(nil)
    var tests = Setting<[Located<TestRecord>]>([])

    static let noun = "policy"
    static let sentence = "Which backends there are, who may use them, when, and at what price."
    static let fields: [Field<Self>] = [
        Field("version", \.version, Written.version, "The version of the language, in every file.", required: true),
        Field("currency", \.currency, Written.currency, "The currency of every amount; nothing is converted."),
        Field(
            "timezone", \.timezone, Written.name("zone").ifGiven(), "The zone of windows that name none, and of budget periods.",
            default: "UTC"),
        Field("unpriced", \.unpriced, Written.choice(), "What to do with a model without a price: count it as unpriced, or refuse it."),
        Field("server", \.server, ServerRecord.type, "Where Sluice listens and keeps its data."),
        Field("webhooks", \.webhooks, WebhooksRecord.type, "The same as `server: { webhooks }`: where webhooks may go."),
        Field("windows", \.windows, WindowRecord.type.located.named("window"), "Names for times."),
        Field("tenants", \.tenants, TenantRecord.type.named("tenant"), "Whose requests they are."),
        Field("backends", \.backends, BackendRecord.type.named("backend"), "Where work can be sent."),
        Field(
            "models", \.models, OfferRecord.shortOrWhole.named("backend").named("model"),
            "Names that clients ask for, with each backend's own name."),
        Field("pools", \.pools, PoolRecord.type.named("pool"), "Backends that may stand in for one another."),
        Field("classes", \.classes, ClassRecord.type.named("class"), "How patient requests are, and where they may go."),
        Field("substitute", \.substitute, SubstituteRecord.type.located.listOrEmpty, "Models that may be replaced by others."),
        Field("budgets", \.budgets, BudgetRecord.type.named("budget"), "Limits on spending."),
        Field("routes", \.routes, RouteRecord.type.located.list, "Which requests get which class; the first that matches wins."),
        Field("baseline", \.baseline, BaselineRecord.type.located.orNone(), "What savings are measured against."),
        Field("tests", \.tests, TestRecord.type.located.listOrEmpty, "Requests and what must become of them."),
    ]
}
