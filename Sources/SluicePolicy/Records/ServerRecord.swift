import SluiceCore

/// The section `server:`.
struct ServerRecord: PolicyRecord {
    var listen = Setting(ServerSettings.Address.tcp(host: "127.0.0.1", port: 8080))
    var admin = Setting(ServerSettings.Address.tcp(host: "127.0.0.1", port: 9090))
    var tls = Setting<TLSRecord?>(nil)
    var adminTLS = Setting<TLSRecord?>(nil)
    var insecure = Setting(false)
    var database = Setting(ServerSettings.Database.sqlite(path: nil))
    var retention = Setting(RetentionRecord())
    var onLedgerFull = Setting(ServerSettings.OnLedgerFull.buffer)
    var halfClose = Setting(ServerSettings.HalfClose.abort)
    var webhooks = Setting(WebhooksRecord())

    static let noun = "server"
    static let sentence = "Where Sluice listens and keeps its data."
    static let fields: [Field<Self>] = [
        Field("listen", \.listen, Written.address, "Where clients connect: `HOST:PORT` or `unix:/path`."),
        Field("admin", \.admin, Written.address, "Where health, metrics, the admin API and the dashboard are served."),
        Field("tls", \.tls, TLSRecord.type.orNone(), "Certificate and key of `listen`."),
        Field("admin_tls", \.adminTLS, TLSRecord.type.orNone(), "Certificate and key of `admin`."),
        Field("insecure", \.insecure, Written.flag, "Plain HTTP on an address that is not loopback is meant: TLS ends in front of Sluice."),
        Field(
            "database", \.database, Written.database, "`sqlite:/path`, or `postgresql://…` when several nodes share one queue.",
            default: "the data folder's own file",
            notYetFor: { if case .postgres = $0 { .postgres } else { nil } }),
        Field("retention", \.retention, RetentionRecord.type, "How long things are kept."),
        Field(
            "on_ledger_full", \.onLedgerFull, Written.choice(),
            "Live traffic while the disk is full: keep rows in memory up to 64 MB, or refuse."),
        Field(
            "half_close", \.halfClose, Written.choice(),
            "What a client that shuts down its sending side means: it left, or it still reads."),
        Field("webhooks", \.webhooks, WebhooksRecord.type, "Where webhooks may go."),
    ]
}

struct TLSRecord: PolicyRecord {
    var cert = Setting("")
    var key = Setting("")

    static let noun = "tls"
    static let sentence = "The files of a certificate chain and its key, in PEM."
    static let fields: [Field<Self>] = [
        Field("cert", \.cert, Written.text, "The file with the certificate chain.", required: true),
        Field("key", \.key, Written.text, "The file with the private key.", required: true),
    ]
}

struct RetentionRecord: PolicyRecord {
    var requests = Setting<Duration?>(nil)
    var results = Setting<Duration?>(Retention().results)
    var prompts = Setting<Duration?>(Retention().prompts)
    var rollups = Setting<Duration?>(nil)

    static let noun = "retention"
    static let sentence = "How long things are kept."
    static let fields: [Field<Self>] = [
        Field("requests", \.requests, Written.span, "Ledger entries, one by one, by whole hours; reports go on from the sums."),
        Field("results", \.results, Written.span, "Answers of finished deferred work."),
        Field("prompts", \.prompts, Written.span, "Bodies of finished deferred work, needed to run it again."),
        Field("rollups", \.rollups, Written.span, "Hourly sums; those that an open budget counts stay."),
    ]
}

/// Entries and sums are of one chain for all, so tenants have no say in them.
struct TenantRetentionRecord: PolicyRecord {
    var results = Setting<Duration??>(nil)
    var prompts = Setting<Duration??>(nil)

    static let noun = "retention of deferred work"
    static let sentence = "How long finished deferred work of a tenant is kept."
    static let fields: [Field<Self>] = [
        Field("results", \.results, Written.span.ifGiven(), "Answers of finished deferred work.", default: "as in `server`"),
        Field("prompts", \.prompts, Written.span.ifGiven(), "Bodies of finished deferred work, needed to run it again.", default: "as in `server`"),
    ]
}

struct WebhooksRecord: PolicyRecord {
    var allow = Setting<[String]>([])

    static let noun = "webhooks"
    static let sentence = "Where webhooks may go."
    static let fields: [Field<Self>] = [
        Field("allow", \.allow, Written.text.listOrEmpty, "Hosts and networks (CIDR) that webhooks may reach although they are private.")
    ]
}

extension Written {
    /// A duration that nothing must exceed; 0 is allowed.
    fileprivate static var span: FieldType<Duration?> { Written.duration(allowsZero: true).optional(word: "forever") }
}

extension Written {
    static var address: FieldType<ServerSettings.Address> {
        .scalar(
            "address", example: "127.0.0.1:8080", schema: ["type": "string"], parse: { ServerSettings.Address($0) }, show: { $0.text })
    }
}

extension ServerSettings.Address {
    /// `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080` or `unix:/path`.
    init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            // The limit of `sun_path`, its closing zero included.
            guard path.hasPrefix("/"), path.utf8.count < 108 else { return nil }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { return nil }
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !host.contains(where: { "/@?#[]*".contains($0) }) else {
            return nil
        }
        self = .tcp(host: host.lowercased(), port: Int(port))
    }

    var text: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }
}

extension Written {
    fileprivate static var database: FieldType<ServerSettings.Database> {
        FieldType(
            word: "database", schema: .text(matching: "sqlite:.+|postgres(ql)?://.+"),
            read: { node, reader in
                guard let secret = reader.secret(of: node, allowsLiteral: true) else { return nil }
                guard let text = reader.text(of: node, wants: "a database") else { return nil }
                if text.hasPrefix("sqlite:"), text.count > 7 { return .sqlite(path: String(text.dropFirst(7))) }
                guard text.hasPrefix("postgresql://") || text.hasPrefix("postgres://") else {
                    reader.report(
                        .error, .badValue, "this names no database", at: node.span, hint: "write `sqlite:/path` or `postgresql://…`")
                    return nil
                }
                let authority = text.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" }
                if secret.isLiteral, let at = authority.lastIndex(of: "@"), authority[..<at].contains(":") {
                    reader.refuseLiteral(at: node.span)
                    return nil
                }
                return .postgres(secret)
            },
            show: { database in
                switch database {
                case .sqlite(let path): path.map { .scalar("sqlite:\($0)") } ?? .absent
                case .postgres(let secret): .scalar(secret.shown)
                }
            })
    }
}
