/// An inference route of the API, each with a wire format of its own.
package enum Endpoint: Int, Sendable, CaseIterable {
    case chat, completions, embeddings, responses, messages, countTokens

    package var path: String {
        switch self {
        case .chat: "/v1/chat/completions"
        case .completions: "/v1/completions"
        case .embeddings: "/v1/embeddings"
        case .responses: "/v1/responses"
        case .messages: "/v1/messages"
        case .countTokens: "/v1/messages/count_tokens"
        }
    }

    /// The word in policies.
    package var name: String {
        switch self {
        case .chat: "chat"
        case .completions: "completions"
        case .embeddings: "embeddings"
        case .responses: "responses"
        case .messages: "messages"
        case .countTokens: "count_tokens"
        }
    }

    /// Whose error bodies and headers the route speaks.
    package var dialect: Dialect {
        switch self {
        case .chat, .completions, .embeddings, .responses: .openai
        case .messages, .countTokens: .anthropic
        }
    }

    package enum Dialect: Sendable {
        case openai, anthropic
    }

    package init?(path: some StringProtocol) {
        guard let match = Endpoint.allCases.first(where: { $0.path == path }) else { return nil }
        self = match
    }

    package init?(name: some StringProtocol) {
        guard let match = Endpoint.allCases.first(where: { $0.name == name }) else { return nil }
        self = match
    }
}
