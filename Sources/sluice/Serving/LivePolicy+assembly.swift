import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceTransfer

extension LivePolicy {
    /// Prepares a policy for traffic: dialects, header lines with the keys, the transport of each backend.
    ///
    /// - Throws: `Secrets.Missing`, or `CurlTransport.Unavailable`.
    convenience init(_ policy: PolicySet, fleet: BackendFleet, budgets: Budgets, secrets: Secrets) throws {
        var upstreams: [Upstream] = []
        for backend in policy.backends { upstreams.append(try Upstream(backend, secrets)) }
        self.init(policy: policy, fleet: fleet, budgets: budgets, upstreams: upstreams)
    }
}

extension LivePolicy.Upstream {
    fileprivate convenience init(_ backend: Backend, _ secrets: Secrets) throws {
        let dialect: any Dialect =
            switch backend.api {
            case .anthropic, .anthropicBatch: AnthropicDialect()
            case .openai, .openaiBatch, .vllm, .llamaCpp, .simulated: OpenAIDialect(api: backend.api)
            }
        var fields = ByteBuffer()
        var hidden: [String] = []
        fields.writeString("accept-encoding: identity\r\n")
        if let key = backend.key {
            let text = try secrets.text(key, for: "backends.\(backend.name).key")
            fields.writeString(dialect.authorization(text))
            hidden.append(text)
        }
        for header in backend.headers {
            let value = try secrets.text(header.value, for: "backends.\(backend.name).headers.\(header.name)")
            fields.writeString("\(header.name): \(value)\r\n")
            if !header.value.isLiteral { hidden.append(value) }
        }
        guard let url = backend.url ?? BackendURL("http://simulated/v1") else { preconditionFailure("a backend without a URL: \(backend.name)") }
        if backend.transport == .secure { try CurlTransport.prepare() }
        self.init(
            backend: backend, url: url, dialect: dialect, batches: backend.api.batches, fields: fields, kind: backend.transport, secrets: hidden)
    }
}

extension Backend {
    /// The transport of its calls. The plain one does not look at what a public name resolves to; libcurl does.
    var transport: LivePolicy.TransportKind {
        guard self.api != .simulated, let url = self.url else { return .simulated }
        return url.isSecure || !self.isInternal ? .secure : .plain
    }
}

extension Backend.API {
    /// How the provider's own batches are made, of a lane.
    fileprivate var batches: (any BatchDialect)? {
        switch self {
        case .openaiBatch: OpenAIBatches()
        case .anthropicBatch: AnthropicBatches()
        case .openai, .anthropic, .vllm, .llamaCpp, .simulated: nil
        }
    }
}
