/// A place that work is sent to.
package struct Backend: Sendable {
    package let index: Int
    package let name: String
    package var api: API
    /// nil for a simulated backend, which lives inside the program.
    package var url: BackendURL?
    package var key: SecretText?
    /// Sent with every call.
    package var headers: [(name: String, value: SecretText)] = []
    /// Client headers in lower case that are let through besides the contract's list.
    package var forward: Set<String> = []
    package var limits = Limits()
    package var prices = Prices.book
    /// Taken off prices of the book; cards of the policy's own carry theirs.
    package var discount = PriceFactor(millionths: 0)
    package var endpoints: Set<Endpoint>
    /// Nothing is dispatched while it is open.
    package var closed: DispatchWindow?
    package var health: HealthCheck?
    package var rented: Rented?
    package var owned: Owned?
    package var simulation: Simulation?
    /// May resolve to private addresses and be spoken to in plain `http://`.
    package var isInternal = false
    /// Plain `http://` is meant on public addresses too.
    package var isInsecure = false

    package init(index: Int, name: String, api: API) {
        self.index = index
        self.name = name
        self.api = api
        self.endpoints = api.endpoints
    }

    /// The dialect that a backend speaks.
    package enum API: String, Sendable, CaseIterable {
        case openai, anthropic, vllm
        case llamaCpp = "llama.cpp"
        case openaiBatch = "openai-batch"
        case anthropicBatch = "anthropic-batch"
        case simulated

        /// The tier that lanes are billed by.
        package static let batchTier = "batch"

        /// Requests go there in batches of the provider's own: only work that waits, and never one by one.
        package var isBatchLane: Bool {
            switch self {
            case .openaiBatch, .anthropicBatch: true
            case .openai, .anthropic, .vllm, .llamaCpp, .simulated: false
            }
        }

        /// The tier that every request there is billed by; nil where it is the request's own.
        package var billedTier: String? { self.isBatchLane ? API.batchTier : nil }

        /// The endpoints that a backend of this kind serves unless its policy says otherwise.
        package var endpoints: Set<Endpoint> {
            switch self {
            case .openai, .openaiBatch: [.chat, .completions, .embeddings, .responses]
            case .anthropic, .anthropicBatch: [.messages, .countTokens]
            case .vllm, .llamaCpp, .simulated: Set(Endpoint.allCases)
            }
        }
    }

    package struct Limits: Hashable, Sendable {
        package var concurrent: Int?
        package var requestsPerMinute: Int?
        package var tokensPerMinute: Int?
        /// The share of `concurrent` that only live work may use.
        package var liveReserve: PriceFactor?
        /// What may wait in a provider's batches of one model, in tokens of requests and answers.
        package var enqueuedTokens: Int?

        package init() {}
    }

    package struct HealthCheck: Hashable, Sendable {
        package var path: String
        package var every: Duration
        package var failAfter: Int

        package init(path: String, every: Duration, failAfter: Int) {
            self.path = path
            self.every = every
            self.failAfter = failAfter
        }
    }

    /// Hardware paid by the hour while a window is open; the two URLs are POSTed at its edges.
    package struct Rented: Hashable, Sendable {
        package var hourlyRate: Money
        package var gpus: Int
        package var when: DispatchWindow?
        /// With a query, so no ``BackendURL``.
        package var start: String?
        package var stop: String?

        package init(hourlyRate: Money, gpus: Int) {
            self.hourlyRate = hourlyRate
            self.gpus = gpus
        }
    }

    /// Hardware of one's own and what it costs a month.
    package struct Owned: Hashable, Sendable {
        package enum Charge: String, Sendable, CaseIterable {
            case byGPUSecond = "by-gpu-second"
            case byToken = "by-token"
        }

        package struct Power: Hashable, Sendable {
            package var idleWatts: Int
            package var busyWatts: Int
            package var pricePerKWh: Money
            package var during: [(window: String, price: Money)]

            package init(idleWatts: Int, busyWatts: Int, pricePerKWh: Money, during: [(window: String, price: Money)]) {
                self.idleWatts = idleWatts
                self.busyWatts = busyWatts
                self.pricePerKWh = pricePerKWh
                self.during = during
            }

            package static func == (a: Power, b: Power) -> Bool {
                a.idleWatts == b.idleWatts && a.busyWatts == b.busyWatts && a.pricePerKWh == b.pricePerKWh
                    && a.during.elementsEqual(b.during) { $0 == $1 }
            }

            package func hash(into hasher: inout Hasher) {
                hasher.combine(self.idleWatts)
                hasher.combine(self.busyWatts)
                hasher.combine(self.pricePerKWh)
            }
        }

        package var capex: Money
        package var lifeMonths: Int
        package var residual: PriceFactor
        package var monthlyOpex: Money
        package var power: Power?
        package var gpus: Int
        package var charge: Charge
        package var tokensPerHour: Int?

        package init(capex: Money, lifeMonths: Int, residual: PriceFactor, monthlyOpex: Money, gpus: Int, charge: Charge) {
            self.capex = capex
            self.lifeMonths = lifeMonths
            self.residual = residual
            self.monthlyOpex = monthlyOpex
            self.gpus = gpus
            self.charge = charge
        }
    }

    /// How a backend inside the program behaves.
    package struct Simulation: Hashable, Sendable {
        package var firstToken: Duration = .milliseconds(300)
        package var perToken: Duration = .milliseconds(20)
        package var outputTokens = 120
        package var fail = PriceFactor(millionths: 0)

        package init() {}
    }

    /// Where the prices of this backend's models come from.
    package enum Prices: Sendable {
        /// One price for every model here, as cards with their dates.
        case every([RateCard])
        /// Cards by the backend's own model names; a model that is not named is unpriced.
        case perModel([String: [RateCard]])
        /// The shipped price book, by the backend's own model names.
        case book

        package func cards(for model: String, host: String?, book: PriceBook) -> [RateCard] {
            switch self {
            case .every(let cards): cards
            case .perModel(let cards): cards[model] ?? cards[PriceBook.undated(model)] ?? []
            case .book: book.cards(for: model, host: host)
            }
        }
    }
}

/// Where a backend listens: a base URL whose path the endpoint's path is appended to.
package struct BackendURL: Hashable, Sendable {
    package let isSecure: Bool
    /// A name or an address, in lower case and without brackets.
    package let host: String
    package let port: Int
    /// Empty or with a leading and without a trailing slash.
    package let path: String

    /// nil where the text is no `http://` or `https://` URL with a host, or carries credentials, a query or a fragment.
    package init?(_ text: String) {
        let rest: Substring
        if text.hasPrefix("https://") {
            self.isSecure = true
            rest = text.dropFirst(8)
        } else if text.hasPrefix("http://") {
            self.isSecure = false
            rest = text.dropFirst(7)
        } else {
            return nil
        }
        guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !rest.contains(where: { "@?#\\\"<>".contains($0) }) else { return nil }
        let authority = rest.prefix { $0 != "/" }
        var path = rest.dropFirst(authority.count)
        while path.hasSuffix("/") { path = path.dropLast() }
        self.path = String(path)
        var host = authority
        var port = self.isSecure ? 443 : 80
        // In `[::1]` every colon is the address's own.
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            let digits = authority[authority.index(after: colon)...]
            guard digits.first != "+", let number = Int(digits), (1...65_535).contains(number) else { return nil }
            port = number
            host = authority[..<colon]
        }
        if host.hasPrefix("[") {
            guard host.hasSuffix("]") else { return nil }
            host = host.dropFirst().dropLast()
        }
        guard !host.isEmpty else { return nil }
        self.host = host.lowercased()
        self.port = port
    }

    /// `host[:port]` as the `Host` header wants it.
    package var authority: String {
        let host = self.host.contains(":") ? "[\(self.host)]" : self.host
        return self.port == (self.isSecure ? 443 : 80) ? host : "\(host):\(self.port)"
    }

    /// The path of an endpoint here; a base that ends in `/v1` is not doubled.
    package func path(of endpoint: Endpoint) -> String {
        self.path.hasSuffix("/v1") ? self.path + endpoint.path.dropFirst(3) : self.path + endpoint.path
    }

    /// The path of another resource here, such as `/v1/files`.
    package func path(of resource: String) -> String {
        self.path.hasSuffix("/v1") && resource.hasPrefix("/v1/") ? self.path + resource.dropFirst(3) : self.path + resource
    }

    /// The host is a loopback or private address, or a name that only an own network knows.
    package var isPrivate: Bool {
        if self.host == "localhost" || self.host.hasSuffix(".internal") || self.host.hasSuffix(".local") { return true }
        if self.host.contains(":") || self.host.allSatisfy({ $0.isNumber || $0 == "." }) { return BackendURL.isPrivate(address: self.host) }
        return !self.host.contains(".")
    }

    /// Whether an IP address is loopback, private, link-local or unspecified; also where IPv6 wraps IPv4.
    package static func isPrivate(address: String) -> Bool {
        let text = address.lowercased()
        if text.contains(":") {
            if let mapped = text.split(separator: ":").last, mapped.contains(".") { return self.isPrivate(address: String(mapped)) }
            return text == "::1" || text == "::" || ["fc", "fd", "fe8", "fe9", "fea", "feb"].contains { text.hasPrefix($0) }
        }
        let numbers = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard numbers.count == 4, let a = numbers[0], let b = numbers[1], numbers[2] != nil, numbers[3] != nil else { return true }
        return a == 0 || a == 10 || a == 127 || (a == 100 && (64...127).contains(b)) || (a == 172 && (16...31).contains(b))
            || (a == 192 && b == 168) || (a == 169 && b == 254)
    }
}

extension BackendURL: CustomStringConvertible {
    package var description: String { "\(self.isSecure ? "https" : "http")://\(self.authority)\(self.path)" }
}

/// A value with secrets in it, as the policy names them; read by `serve` only, never printed.
package struct SecretText: Hashable, Sendable {
    package enum Part: Hashable, Sendable {
        case literal(String)
        /// `${NAME}`, with what stands in where the variable is not set.
        case environment(String, fallback: String?)
        /// `${file:/run/secrets/x}`
        case file(String)
        /// `${cred:x}`: a file in systemd's credentials directory.
        case credential(String)
    }

    package let parts: [Part]

    package init(parts: [Part]) {
        self.parts = parts
    }

    package var isLiteral: Bool {
        self.parts.allSatisfy { if case .literal = $0 { true } else { false } }
    }
}
