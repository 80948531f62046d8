import SluiceCore

extension PolicyLinker {
    mutating func server() -> ServerSettings {
        let record = self.document.server.value
        var server = ServerSettings()
        server.listen = record.listen.value
        server.admin = record.admin.value
        server.tls = record.tls.value.map { ServerSettings.TLS($0) }
        server.adminTLS = record.adminTLS.value.map { ServerSettings.TLS($0) }
        server.isInsecure = record.insecure.value
        server.database = record.database.value
        server.retention = Retention(record.retention.value)
        server.onLedgerFull = record.onLedgerFull.value
        server.halfClose = record.halfClose.value
        server.webhooksAllowed = record.webhooks.value.allow.value + self.document.webhooks.value.allow.value
        self.checkNetworks(record.webhooks.value.allow)
        self.checkNetworks(self.document.webhooks.value.allow)
        self.checkListeners(record)
        return server
    }

    /// What has a slash is meant as a network; one that is none would never match, and nobody would know why.
    private mutating func checkNetworks(_ allow: Setting<[String]>) {
        for text in allow.value where text.contains("/") {
            guard let span = allow.span, PeerAddress(String(text.prefix { $0 != "/" }))?.isIn(text) != true else { continue }
            self.report(.error, .badValue, "\(text.quotedForMessage) is no network", at: span, hint: "write it like `10.0.0.0/8` or `fd00::/8`")
        }
    }

    private mutating func checkListeners(_ record: ServerRecord) {
        guard !record.insecure.value else { return }
        if let span = record.listen.span, !record.listen.value.isLoopback, record.tls.value == nil, !record.tls.isGiven {
            self.report(
                .error, .insecureListener, "`listen` takes keys in plain HTTP from other machines", at: span,
                hint: "give `tls: { cert, key }`, or `insecure: true` where TLS ends in front of Sluice")
        }
        if let span = record.admin.span, !record.admin.value.isLoopback, record.adminTLS.value == nil, !record.adminTLS.isGiven {
            self.report(
                .warning, .insecureListener, "`admin` takes its token in plain HTTP from other machines", at: span,
                hint: "give `admin_tls: { cert, key }`, or `insecure: true` where TLS ends in front of Sluice")
        }
        if record.listen.value == record.admin.value, let span = record.admin.span ?? record.listen.span {
            self.report(.error, .badValue, "`listen` and `admin` are the same address", at: span)
        }
    }
}

extension ServerSettings.TLS {
    fileprivate init(_ record: TLSRecord) {
        self.init(certificate: record.cert.value, key: record.key.value)
    }
}

extension Retention {
    init(_ record: RetentionRecord) {
        self.init()
        self.requests = record.requests.value
        self.results = record.results.value
        self.prompts = record.prompts.value
        self.rollups = record.rollups.value
    }
}
