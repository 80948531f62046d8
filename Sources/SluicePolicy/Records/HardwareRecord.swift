import SluiceCore

/// Hardware of one's own (`owned:`).
struct OwnedRecord: PolicyRecord {
    var capex = Setting(Money.zero)
    var life = Setting(36)
    var residual = Setting(PriceFactor(millionths: 0))
    var opex = Setting(Money.zero)
    var power = Setting<PowerRecord?>(nil)
    var gpus = Setting(1)
    var charge = Setting(Backend.Owned.Charge.byGPUSecond)
    var tokensPerHour = Setting<Int?>(nil)

    static let noun = "owned hardware"
    static let sentence =
        "Hardware of one's own: (capex × (1 − residual) ÷ life + opex) a month, energy besides. Idle time is a line of its own."
    static let fields: [Field<Self>] = [
        Field("capex", \.capex, Written.money, "What it cost to buy.", required: true),
        Field("life", \.life, Written.months, "Over how many months it is written off."),
        Field("residual", \.residual, Written.percent(), "What it is worth at the end."),
        Field("opex", \.opex, Written.money(per: "mo", example: "1900/mo"), "Rack, support, staff."),
        Field("power", \.power, PowerRecord.type.orNone(), "Energy."),
        Field("gpus", \.gpus, Written.number(1...100_000), "How many GPUs it has."),
        Field("charge", \.charge, Written.choice(), "How busy time is shared among requests."),
        Field("tokens_per_hour", \.tokensPerHour, Written.count().orNone(), "The measured capacity; `charge: by-token` needs it."),
    ]
}

struct PowerRecord: PolicyRecord {
    var idle = Setting(0)
    var busy = Setting(0)
    var pricePerKWh = Setting(Money.zero)
    var during = Setting<[Named<Money>]>([])

    static let noun = "power"
    static let sentence = "What own hardware draws and what a kilowatt-hour costs."
    static let fields: [Field<Self>] = [
        Field("idle", \.idle, Written.power, "Its draw without work.", required: true),
        Field("busy", \.busy, Written.power, "Its draw at work.", required: true),
        Field("price_per_kwh", \.pricePerKWh, Written.money, "The price of a kilowatt-hour.", required: true),
        Field("during", \.during, Written.money.named("window"), "Another price while a window is open; the first open one counts."),
    ]
}

/// Hardware paid by the hour (`rented:`).
struct RentedRecord: PolicyRecord {
    var rate = Setting(Money.zero)
    var gpus = Setting(1)
    var when = Setting<[WindowExpression]>([])
    var start = Setting<LinkURL?>(nil)
    var stop = Setting<LinkURL?>(nil)

    static let noun = "rented hardware"
    static let sentence = "Hardware that is paid, and open, only while a window is."
    static let fields: [Field<Self>] = [
        Field(
            "rate", \.rate, Written.money(per: "gpu-hour", example: "0.62/gpu-hour"), "The price of one GPU for an hour.", required: true),
        Field("gpus", \.gpus, Written.number(1...100_000), "How many GPUs."),
        Field("when", \.when, Written.windows(none: "any"), "When it is rented."),
        Field("start", \.start, Written.link.ifGiven(), "A URL that is POSTed when the window opens."),
        Field("stop", \.stop, Written.link.ifGiven(), "A URL that is POSTed when the window closes."),
    ]
}

/// A URL with a query, as the scaling calls of rented hardware need it.
struct LinkURL: Hashable, Sendable {
    let text: String

    init?(_ text: String) {
        let base = text.prefix { $0 != "?" }
        guard BackendURL(String(base)) != nil, !text.contains("#"), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        self.text = text
    }
}

extension Written {
    static var link: FieldType<LinkURL> {
        .scalar(
            "URL", example: "http://10.0.0.2/scale?n=4", schema: .text(matching: "https?://.+"), parse: { LinkURL($0) }, show: { $0.text })
    }
}
