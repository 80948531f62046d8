package import SluiceCore
package import SluiceDispatch
package import SluiceWire

/// OpenAI's API and everything that is compatible with it; servers of one's own differ in the control fields that they know, and also
/// serve `/v1/messages`.
package struct OpenAIDialect: Dialect {
    private let api: Backend.API

    package init(api: Backend.API) {
        self.api = api
    }

    package func knownControls(in fields: RequestFields) -> Set<RequestFields.Control> {
        switch self.api {
        case .openai: [.serviceTier, .background, .backgroundOptions]
        case .vllm: [.priority]
        case .openaiBatch, .anthropic, .anthropicBatch, .llamaCpp, .simulated: []
        }
    }

    package func asksUsage(on endpoint: Endpoint) -> Bool { endpoint == .chat || endpoint == .completions }

    package func authorization(_ key: String) -> String { "authorization: Bearer \(key)\r\n" }

    package func streamReader(for endpoint: Endpoint) -> any StreamReader {
        switch endpoint {
        case .chat, .completions, .embeddings: ChatReader()
        case .responses: ResponsesReader()
        case .messages, .countTokens: MessagesReader()
        }
    }

    package func readWhole(_ body: UnsafeRawBufferPointer, on endpoint: Endpoint) -> WholeReading {
        switch endpoint {
        case .chat, .completions, .embeddings: return WholeAnswer.read(body)
        case .messages, .countTokens: return WholeMessage.read(body)
        case .responses:
            var response = ResponseBody(facts: AnswerFacts())
            var cursor = JSONCursor(body, isLenient: true)
            guard cursor.peek() == UInt8(ascii: "{") else { return WholeAnswer.read(body) }
            do throws(JSONFault) {
                try response.read(&cursor)
                try cursor.end()
            } catch {
                return WholeReading(.garbage("the answer is no whole JSON: \(error.reason) at byte \(error.offset)"), facts: AnswerFacts())
            }
            // A response that failed is an answer of this API; an error without one is none.
            if !response.isResponse, let problem = response.problem { return WholeReading(.error(problem), facts: response.facts) }
            return WholeReading(.answer, facts: response.facts)
        }
    }
}
