import SluiceCore

extension PolicyLinker {
    mutating func linkBackends(zone: String) -> [Backend] {
        self.resolveExtensions()
        return self.document.backends.value.indices.map { index in
            let name = self.document.backends.value[index].name
            self.completeBackend(at: index)
            return self.backend(self.document.backends.value[index].value, index: index, name: name, zone: zone)
        }
    }

    /// `extends:` takes over what another backend gives, one level deep.
    private mutating func resolveExtensions() {
        let original = self.document.backends.value
        for index in original.indices {
            guard let parent = original[index].value.extends.value else { continue }
            // Until it is known whose URL counts, none is missing.
            guard let parentIndex = self.resolve(parent, in: self.backends), self.mayExtend(original[parentIndex], at: parent, from: index)
            else {
                self.document.backends.value[index].value.url.span = parent.span
                continue
            }
            self.document.backends.value[index].value.inherit(original[parentIndex].value)
        }
    }

    private mutating func mayExtend(_ parent: Named<BackendRecord>, at name: Name, from index: Int) -> Bool {
        if parent.name == self.document.backends.value[index].name {
            self.report(.error, .badValue, "a backend cannot extend itself", at: name.span)
        } else if let further = parent.value.extends.value {
            self.report(
                .error, .badValue, "`extends` goes one level deep, and `\(name.text)` extends `\(further.text)`", at: name.span,
                hint: "extend `\(further.text)`")
        } else {
            return true
        }
        return false
    }

    /// Fills in the defaults that depend on other fields.
    private mutating func completeBackend(at index: Int) {
        var record = self.document.backends.value[index].value
        if !record.endpoints.isGiven { record.endpoints.value = record.api.value.endpoints.sorted { $0.rawValue < $1.rawValue } }
        if !record.isInternal.isGiven, let url = record.url.value { record.isInternal.value = url.isPrivate }
        self.document.backends.value[index].value = record
    }

    private mutating func backend(_ record: BackendRecord, index: Int, name: Name, zone: String) -> Backend {
        var backend = Backend(index: index, name: name.text, api: record.api.value)
        backend.url = record.url.value
        backend.key = record.key.value
        backend.headers = record.headers.value.map { ($0.name.text.lowercased(), $0.value) }
        backend.forward = Set(record.forward.value.map { $0.lowercased() })
        backend.limits = Backend.Limits(record.limits.value)
        backend.endpoints = Set(record.endpoints.value)
        if backend.endpoints.contains(.messages) { backend.endpoints.insert(.countTokens) }
        backend.closed = self.window(anyOf: record.closed.value, zone: zone)
        backend.health = record.health.value.map {
            Backend.HealthCheck(path: $0.path.value, every: $0.every.value, failAfter: $0.failAfter.value)
        }
        backend.isInternal = record.isInternal.value ?? false
        backend.isInsecure = record.insecure.value
        backend.discount = record.discount.value
        backend.prices = self.prices(record)
        backend.owned = record.owned.value.map { self.owned($0, at: record.owned.span ?? name.span) }
        backend.rented = record.rented.value.map { self.rented($0, zone: zone) }
        self.checkURL(record, name)
        self.checkHeaders(record)
        self.checkSimulation(record, name, &backend)
        self.checkHardware(record)
        if let span = record.limits.value.liveReserve.span, record.limits.value.liveReserve.value != nil,
            record.limits.value.concurrent.value == nil
        {
            self.report(.error, .notApplicable, "`live_reserve` is a share of `concurrent`, which is not given", at: span)
        }
        if let span = record.limits.value.enqueuedTokens.span, record.limits.value.enqueuedTokens.value != nil, !backend.api.isBatchLane {
            self.report(.error, .notApplicable, "`enqueued_tokens` is a limit of providers' batches, and `\(name.text)` has none", at: span)
        }
        return backend
    }

    private mutating func checkURL(_ record: BackendRecord, _ name: Name) {
        guard record.api.value != .simulated else { return }
        guard let url = record.url.value else {
            if !record.url.isGiven { self.report(.error, .missingKey, "backend `\(name.text)` has no `url`", at: name.span) }
            return
        }
        if !url.isSecure, record.isInternal.value != true, !record.insecure.value {
            self.report(
                .error, .insecureURL, "`http://` to a host that is not internal: prompts and keys would travel in the clear",
                at: record.url.span ?? name.span,
                hint: "use https://, or say `internal: true` for a host of your own, or `insecure: true`")
        }
    }

    private mutating func checkHeaders(_ record: BackendRecord) {
        for entry in record.headers.value {
            let carriesBreak = entry.value.parts.contains {
                if case .literal(let text) = $0 { text.utf8.contains { $0 < 0x20 || $0 == 0x7F } } else { false }
            }
            if !HeaderName.isAllowed(entry.name.text.lowercased()) || carriesBreak {
                self.report(.error, .badValue, "the header `\(entry.name.text.cutForMessage)` cannot be set", at: entry.name.span)
            }
        }
        for name in record.forward.value where !HeaderName.isAllowed(name.lowercased()) || HeaderName.isCredential(name.lowercased()) {
            guard let span = record.forward.span else { continue }
            self.report(.error, .badValue, "the header `\(name.cutForMessage)` of clients is never let through", at: span)
        }
    }

    private mutating func checkSimulation(_ record: BackendRecord, _ name: Name, _ backend: inout Backend) {
        self.checkMisplaced(record, in: "backend `\(name.text)`")
        guard record.api.value == .simulated else { return }
        if let span = record.concurrent.span, record.concurrent.value != nil, record.limits.value.concurrent.value != nil {
            self.report(.error, .duplicateKey, "`concurrent` and `limits: { concurrent }` say the same", at: span)
        }
        var simulation = Backend.Simulation()
        simulation.firstToken = record.latency.value.firstToken.value
        simulation.perToken = record.latency.value.perToken.value
        simulation.outputTokens = record.tokens.value.output.value
        simulation.fail = record.fail.value
        backend.simulation = simulation
        backend.limits.concurrent = backend.limits.concurrent ?? record.concurrent.value
    }
}

extension Backend.Limits {
    init(_ record: LimitsRecord) {
        self.init()
        self.concurrent = record.concurrent.value
        self.requestsPerMinute = record.requestsPerMinute.value
        self.tokensPerMinute = record.tokensPerMinute.value
        self.liveReserve = record.liveReserve.value
        self.enqueuedTokens = record.enqueuedTokens.value
    }
}

/// Names of headers that a policy may put on calls to backends.
enum HeaderName {
    private static let ours: Set<String> = [
        "host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "keep-alive", "proxy-connection",
        "te", "trailer", "upgrade",
        "expect", "accept-encoding",
    ]

    /// - Parameter name: In lower case.
    static func isAllowed(_ name: String) -> Bool {
        let token = "!#$%&'*+-.^_`|~".utf8
        return !name.isEmpty && !self.ours.contains(name)
            && name.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || token.contains($0) }
    }

    static func isCredential(_ name: String) -> Bool { name == "cookie" || SecretShape.isSecretKey(name) }
}
