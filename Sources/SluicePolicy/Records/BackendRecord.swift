import SluiceCore

/// An entry of `backends:`.
struct BackendRecord: PolicyRecord {
    var extends = Setting<Name?>(nil)
    var api = Setting(Backend.API.openai)
    var url = Setting<BackendURL?>(nil)
    var key = Setting<SecretText?>(nil)
    var headers = Setting<[Named<SecretText>]>([])
    var forward = Setting<[String]>([])
    var endpoints = Setting<[Endpoint]>([])
    var price = Setting<[Located<PriceRecord>]>([])
    var prices = Setting(PricesSetting.book)
    var discount = Setting(PriceFactor(millionths: 0))
    var limits = Setting(LimitsRecord())
    var closed = Setting<[WindowExpression]>([])
    var health = Setting<HealthRecord?>(nil)
    var owned = Setting<OwnedRecord?>(nil)
    var rented = Setting<RentedRecord?>(nil)
    var isInternal = Setting<Bool?>(nil)
    var insecure = Setting(false)
    var latency = Setting(SimulatedLatencyRecord())
    var tokens = Setting(SimulatedTokensRecord())
    var fail = Setting(PriceFactor(millionths: 0))
    var concurrent = Setting<Int?>(nil)

    private static let simulated = Field<Self>.Condition("`api: simulated`") { $0.api.value == .simulated }
    private static let real = Field<Self>.Condition("an `api` other than `simulated`") { $0.api.value != .simulated }

    private static let withoutPrice = Field<Self>.Condition("a backend without `price`") { !$0.price.isGiven }

    static let noun = "backend"
    static let sentence = "A place that work is sent to: a provider's API, an inference server of one's own, or a simulated one."
    static let fields: [Field<Self>] = [
        Field("extends", \.extends, Written.name("backend").ifGiven(), "Another backend whose fields hold here too, one level deep."),
        Field("api", \.api, Written.choice(), "The dialect that it speaks; a `…-batch` one takes only work that waits, in batches of the provider's own."),
        Field(
            "url", \.url, Written.url.ifGiven(),
            "Its base URL; the endpoint's path is appended, `/v1` never twice. Required unless simulated.", only: real),
        Field("key", \.key, Written.secret.ifGiven(), "Its API key, as `${NAME}`, `${file:/path}` or `${cred:name}`.", only: real),
        Field("headers", \.headers, Written.header.named("header", keepsExtensions: true), "Fixed headers that go with every call."),
        Field("forward", \.forward, Written.text.listOrEmpty, "Headers of the client that are let through besides the usual ones."),
        Field("endpoints", \.endpoints, Written.endpoint.list, "The endpoints that it serves.", default: "by `api`"),
        Field("price", \.price, PriceRecord.type.located.list, "The price of every model here; a list where it changes on a date."),
        Field(
            "prices", \.prices, PricesSetting.type,
            "Prices by the backend's own model names, or `book`: the price book that comes with Sluice.", only: withoutPrice),
        Field("discount", \.discount, Written.percent(), "What is taken off every price here."),
        Field("limits", \.limits, LimitsRecord.type, "How much work it may have at a time."),
        Field("closed", \.closed, Written.windows(none: "never"), "Nothing is sent to it while the window is open."),
        Field(
            "health", \.health, HealthRecord.type.orNone(), "An active check; without one, only its answers count.", only: real),
        Field("owned", \.owned, OwnedRecord.type.orNone(), "Hardware of one's own, and what it costs a month."),
        Field("rented", \.rented, RentedRecord.type.orNone(), "Hardware paid by the hour while a window is open."),
        Field(
            "internal", \.isInternal, Written.flag.ifGiven(), "It may resolve to private addresses and be spoken to in plain HTTP.",
            default: "true for private addresses and names without a dot or in `.internal` and `.local`"),
        Field("insecure", \.insecure, Written.flag, "Plain `http://` on a public address is meant."),
        Field("latency", \.latency, SimulatedLatencyRecord.type, "How long its answers take.", only: simulated),
        Field("tokens", \.tokens, SimulatedTokensRecord.type, "How long its answers are.", only: simulated),
        Field("fail", \.fail, Written.percent(), "How many of its answers fail.", only: simulated),
        Field("concurrent", \.concurrent, Written.count().orNone(), "Short for `limits: { concurrent: … }`.", only: simulated),
    ]

    /// Takes over what `parent` gives and this one does not; either way of giving prices replaces both of the parent's.
    mutating func inherit(_ parent: BackendRecord) {
        let givesPrices = self.price.isGiven || self.prices.isGiven
        for field in BackendRecord.fields where field.key != "extends" && !(givesPrices && ["price", "prices"].contains(field.key)) {
            field.inherit(&self, parent)
        }
    }
}

/// Where the prices of a backend's models come from.
enum PricesSetting: Sendable {
    case book
    case perModel([Named<[Located<PriceRecord>]>])

    static let type = FieldType<PricesSetting>(
        word: "`book`, or prices by model", schema: ["anyOf": [["const": "book"], perModel.schema]], records: [PriceRecord.self],
        read: { node, reader in
            if case .scalar("book", _) = node.content { return .book }
            return perModel.read(node, &reader).map { .perModel($0) }
        },
        show: { prices in
            switch prices {
            case .book: .scalar("book")
            case .perModel(let entries): perModel.show(entries)
            }
        })

    private static let perModel = PriceRecord.type.located.list.named("model")
}

struct HealthRecord: PolicyRecord {
    var path = Setting("/health")
    var every = Setting(Duration.seconds(5))
    var failAfter = Setting(3)

    static let noun = "health"
    static let sentence = "An active check of a backend."
    static let fields: [Field<Self>] = [
        Field("path", \.path, Written.text, "What is asked for; anything but 2xx is a failure."),
        Field("every", \.every, Written.duration, "How often."),
        Field("fail_after", \.failAfter, Written.number(1...100), "Failures in a row until it counts as down."),
    ]
}

struct SimulatedLatencyRecord: PolicyRecord {
    var firstToken = Setting(Backend.Simulation().firstToken)
    var perToken = Setting(Backend.Simulation().perToken)

    static let noun = "simulated latency"
    static let sentence = "How long a simulated backend takes."
    static let fields: [Field<Self>] = [
        Field("first_token", \.firstToken, Written.duration(allowsZero: true), "Until the first token."),
        Field("per_token", \.perToken, Written.duration(allowsZero: true), "For each further token."),
    ]
}

struct SimulatedTokensRecord: PolicyRecord {
    var output = Setting(Backend.Simulation().outputTokens)

    static let noun = "simulated tokens"
    static let sentence = "How long a simulated backend's answers are."
    static let fields: [Field<Self>] = [
        Field("output", \.output, Written.count(1...1_000_000), "Tokens of an answer, unless the request allows fewer.")
    ]
}

extension Written {
    static var url: FieldType<BackendURL> {
        FieldType(
            word: "URL", schema: .text(matching: "https?://.+"),
            read: { node, reader in
                guard let text = reader.text(of: node, wants: "a URL") else { return nil }
                if let url = BackendURL(text) { return url }
                // Credentials in it must not be echoed.
                if text.contains("@") { reader.hideLine(of: node.span) }
                reader.report(
                    .error, .badValue, "this is not a base URL", at: node.span,
                    hint: "write it like `https://api.example.com/v1`, without credentials, query or fragment")
                return nil
            },
            show: { .scalar($0.description) })
    }

    static var secret: FieldType<SecretText> {
        FieldType(
            word: "secret", schema: ["type": "string", "pattern": "\\$\\{.+\\}"], read: { node, reader in reader.secret(of: node) },
            show: { .scalar($0.shown) })
    }

    /// A header's value: secret where its name says so, else any text.
    static var header: FieldType<SecretText> {
        FieldType(
            word: "text or secret", schema: .anyScalar,
            read: { node, reader in
                var isSecret = false
                if case .entry(_, let name)? = reader.steps.last { isSecret = SecretShape.isSecretKey(name.text) }
                return reader.secret(of: node, allowsLiteral: !isSecret)
            },
            show: { .scalar($0.shown) })
    }

    static var endpoint: FieldType<Endpoint> {
        let words = Endpoint.allCases.map(\.name)
        return .scalar(
            "endpoint", example: words.joined(separator: "`, `"), schema: ["enum": .array(words.map { JSONValue.string($0) })],
            parse: { Endpoint(name: $0) }, show: { $0.name })
    }

    /// A window or several (open while any is), or a word for none.
    static func windows(none: String) -> FieldType<[WindowExpression]> {
        let list = WindowExpression.type.list
        return FieldType(
            word: "window, or `\(none)`", schema: ["anyOf": [["const": .string(none)], list.schema]], records: list.records,
            read: { node, reader in
                if case .scalar(none, _) = node.content { return [] }
                return list.read(node, &reader)
            },
            show: { $0.isEmpty ? .scalar(none) : list.show($0) })
    }
}
