import SluiceCore

/// An entry of `budgets:`.
struct BudgetRecord: PolicyRecord {
    var tenant = Setting<Located<Glob>?>(nil)
    var key = Setting<Glob?>(nil)
    var metadata = Setting<[Named<Glob>]>([])
    var limit = Setting(Money.zero)
    var per = Setting(Budget.Period.month)
    var at = Setting<[Keyed<PriceFactor, BudgetActionSetting>]>([])

    static let noun = "budget"
    static let sentence = "A limit on spending: of a tenant, of keys, of a tag, or of everything."
    static let fields: [Field<Self>] = [
        Field("tenant", \.tenant, Written.pattern.located.ifGiven(), "Whose spending counts."),
        Field("key", \.key, Written.pattern.ifGiven(), "The keys whose spending counts."),
        Field("metadata", \.metadata, Written.pattern.named("field", keepsExtensions: true), "The tag whose spending counts."),
        Field("limit", \.limit, Written.money, "How much may be spent.", required: true),
        Field("per", \.per, Written.choice(), "In which period; it turns at midnight of the policy's zone.", required: true),
        Field(
            "at", \.at,
            FieldType<[Keyed<PriceFactor, BudgetActionSetting>]>.keyed("share", Written.percent(upTo: 1000), BudgetActionSetting.type),
            "What happens at which share of the limit, once per period.", required: true),
    ]
}

enum BudgetActionSetting: Sendable {
    enum Word: String, CaseIterable, Sendable { case warn, reject }

    case word(Word)
    case downgrade(DowngradeRecord)

    static let type = FieldType<BudgetActionSetting>(
        word: "`warn`, `reject` or `{ downgrade: CLASS }`",
        schema: ["anyOf": [["$ref": "#/definitions/downgrade"], Written.choice(of: Word.allCases).schema]],
        records: [DowngradeRecord.self],
        read: { node, reader in
            if case .mapping = node.content { return DowngradeRecord.read(node, &reader).map { .downgrade($0) } }
            return Written.choice(of: Word.allCases).read(node, &reader).map { .word($0) }
        },
        show: { action in
            switch action {
            case .word(let word): .scalar(word.rawValue)
            case .downgrade(let record): DowngradeRecord.type.show(record)
            }
        })
}

struct DowngradeRecord: PolicyRecord {
    var downgrade = Setting<Name?>(nil)

    static let noun = "downgrade"
    static let sentence = "Gives requests a more patient class."
    static let fields: [Field<Self>] = [
        Field("downgrade", \.downgrade, Written.name("class").ifGiven(), "The class.", required: true)
    ]
}
