import SluiceCore

/// One file of the price book: the list prices of one provider.
struct PriceListRecord: PolicyRecord {
    var version = Setting(1)
    var provider = Setting("")
    var hosts = Setting<[String]>([])
    var currency = Setting("USD")
    var windows = Setting<[Named<Located<WindowRecord>>]>([])
    var models = Setting<[Named<ListedPrice>]>([])

    static let noun = "price list"
    static let sentence = "The list prices of one provider, one model a line."
    static let fields: [Field<Self>] = [
        Field("version", \.version, Written.version, "The version of the language.", required: true),
        Field("provider", \.provider, Written.text, "The provider's short name.", required: true),
        Field("hosts", \.hosts, Written.text.listOrEmpty, "The hosts that its API listens at."),
        Field("currency", \.currency, Written.currency, "The currency of all prices.", required: true),
        Field("windows", \.windows, WindowRecord.type.located.named("window"), "Names for times, for `during`."),
        Field(
            "models", \.models, ListedPrice.type.named("model"), "The price of each model, or the name of a model that costs the same.",
            required: true),
    ]
}

/// What a line of a price list says of a model.
enum ListedPrice: Sendable {
    case prices([PriceRecord])
    /// Another name of that model.
    case same(Name)

    static let type = FieldType<ListedPrice>(
        word: "price", schema: ["anyOf": [prices.schema, ["type": "string"]]], records: [PriceRecord.self],
        read: { node, reader in
            if case .scalar = node.content { return reader.text(of: node, wants: "a model").map { .same(Name(text: $0, span: node.span)) } }
            return prices.read(node, &reader).map { .prices($0) }
        },
        show: { listed in
            switch listed {
            case .prices(let records): prices.show(records)
            case .same(let name): .scalar(name.text)
            }
        })

    private static let prices = PriceRecord.type.list
}
