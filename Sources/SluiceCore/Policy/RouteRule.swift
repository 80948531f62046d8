/// One line of `routes:`: who is meant, and the class they get. First match wins.
package struct RouteRule: Sendable {
    package let index: Int
    package let name: String?
    /// The name, or `routes[3]`.
    package let displayName: String
    package var match: RouteMatch
    package var trafficClass: Int
    package var place: SourcePlace

    package init(index: Int, name: String?, match: RouteMatch, trafficClass: Int, place: SourcePlace) {
        self.index = index
        self.name = name
        self.displayName = name ?? "routes[\(index)]"
        self.match = match
        self.trafficClass = trafficClass
        self.place = place
    }
}

/// Where something stands in a policy file; lines and columns from 1.
package struct SourcePlace: Hashable, Sendable {
    package var file: String
    package var line: Int
    package var column: Int

    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }
}

/// What a request must be; every field that is given must hold, a list means any of it.
package struct RouteMatch: Sendable {
    package struct Field: Hashable, Sendable {
        package var name: String
        package var values: [Glob]

        package init(name: String, values: [Glob]) {
            self.name = name
            self.values = values
        }
    }

    package var tenants: [Glob] = []
    package var keys: [Glob] = []
    package var models: [Glob] = []
    package var endpoints: Set<Endpoint> = []
    /// Names in lower case.
    package var headers: [Field] = []
    package var metadata: [Field] = []
    package var minInputTokens: Int?
    package var maxInputTokens: Int?
    package var stream: Bool?
    /// Whether the client consented to wait, in any way.
    package var async: Bool?
    /// None of these may match.
    package var not: [RouteMatch] = []

    package init() {}

    package var isEmpty: Bool {
        self.tenants.isEmpty && self.keys.isEmpty && self.models.isEmpty && self.endpoints.isEmpty && self.headers.isEmpty
            && self.metadata.isEmpty && self.minInputTokens == nil && self.maxInputTokens == nil && self.stream == nil && self.async == nil
            && self.not.isEmpty
    }

    var headerNames: [String] { self.headers.map(\.name) + self.not.flatMap(\.headerNames) }

    /// The first field that does not hold; nil where the request matches.
    @inline(__always)
    package func mismatch(_ request: InferenceRequest) -> Mismatch? {
        func fits(_ globs: [Glob], _ value: String?) -> Bool { globs.isEmpty || value.map { v in globs.contains { $0.matches(v) } } ?? false }
        if !fits(self.tenants, request.tenant) { return .name("tenant", is: request.tenant, wants: self.tenants) }
        if !fits(self.keys, request.key) { return .name("key", is: request.key, wants: self.keys) }
        if !fits(self.models, request.model) { return .name("model", is: request.model, wants: self.models) }
        if !self.endpoints.isEmpty, !self.endpoints.contains(request.endpoint) { return .endpoint(request.endpoint, wants: self.endpoints) }
        for field in self.headers where !fits(field.values, request.headers[field.name]) {
            return .name("header \(field.name)", is: request.headers[field.name], wants: field.values)
        }
        for field in self.metadata where !fits(field.values, request.tags[field.name]) {
            return .name("metadata \(field.name)", is: request.tags[field.name], wants: field.values)
        }
        if let least = self.minInputTokens, request.inputTokens < least { return .inputTokens(request.inputTokens, wants: "≥ \(least)") }
        if let most = self.maxInputTokens, request.inputTokens > most { return .inputTokens(request.inputTokens, wants: "≤ \(most)") }
        if let stream = self.stream, stream != request.isStream { return .flag("stream", wants: stream) }
        if let async = self.async, async != request.consent.isGiven { return .flag("async", wants: async) }
        for nested in self.not where nested.mismatch(request) == nil { return .excluded(nested.descriptions.joined(separator: ", ")) }
        return nil
    }

    /// Why a route does not match.
    package enum Mismatch: Hashable, Sendable {
        case name(String, is: String?, wants: [Glob])
        case endpoint(Endpoint, wants: Set<Endpoint>)
        case inputTokens(Int, wants: String)
        case flag(String, wants: Bool)
        case excluded(String)
    }

    /// What is asked for, field by field: `tenant = research`, `input_tokens ≥ 8000`.
    package var descriptions: [String] {
        func list(_ globs: [Glob]) -> String { globs.map(\.pattern).joined(separator: " or ") }
        var result: [String] = []
        if !self.tenants.isEmpty { result.append("tenant = \(list(self.tenants))") }
        if !self.keys.isEmpty { result.append("key = \(list(self.keys))") }
        if !self.models.isEmpty { result.append("model = \(list(self.models))") }
        if !self.endpoints.isEmpty { result.append("endpoint = \(self.endpoints.map(\.name).sorted().joined(separator: " or "))") }
        result += self.headers.map { "header \($0.name) = \(list($0.values))" }
        result += self.metadata.map { "metadata \($0.name) = \(list($0.values))" }
        if let least = self.minInputTokens { result.append("input_tokens ≥ \(least)") }
        if let most = self.maxInputTokens { result.append("input_tokens ≤ \(most)") }
        if let stream = self.stream { result.append("stream = \(stream)") }
        if let async = self.async { result.append("async = \(async)") }
        result += self.not.map { "not (\($0.descriptions.joined(separator: ", ")))" }
        return result
    }
}

extension RouteMatch.Mismatch: CustomStringConvertible {
    package var description: String {
        switch self {
        case .name(let field, let value, let wants):
            "\(field) is \(value ?? "absent"), wants \(wants.map(\.pattern).joined(separator: " or "))"
        case .endpoint(let endpoint, let wants):
            "endpoint is \(endpoint.name), wants \(wants.map(\.name).sorted().joined(separator: " or "))"
        case .inputTokens(let count, let wants): "input_tokens is about \(count), wants \(wants)"
        case .flag(let name, let wants): "\(name) is \(!wants), wants \(wants)"
        case .excluded(let what): "excluded by not (\(what))"
        }
    }
}
