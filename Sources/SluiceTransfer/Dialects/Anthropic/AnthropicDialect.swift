package import SluiceCore
package import SluiceDispatch
package import SluiceWire

/// Anthropic's Messages API.
package struct AnthropicDialect: Dialect {
    package init() {}

    package func knownControls(in fields: RequestFields) -> Set<RequestFields.Control> {
        // Anthropic refuses tiers that it does not know.
        switch fields.serviceTier {
        case "auto", "standard_only": [.serviceTier]
        default: []
        }
    }

    package func asksUsage(on endpoint: Endpoint) -> Bool { false }

    package func authorization(_ key: String) -> String { "x-api-key: \(key)\r\n" }

    package func streamReader(for endpoint: Endpoint) -> any StreamReader { MessagesReader() }

    package func readWhole(_ body: UnsafeRawBufferPointer, on endpoint: Endpoint) -> WholeReading { WholeMessage.read(body) }
}

/// Reads a whole answer of `/v1/messages` and its token count.
enum WholeMessage {
    static func read(_ body: UnsafeRawBufferPointer) -> WholeReading {
        var message = MessageBody(facts: AnswerFacts(), usage: MessagesUsage())
        var problem: UpstreamProblem?
        return WholeReading.reading(body) { key, cursor throws(JSONFault) in
            if key.says("error") { problem = try UpstreamProblem.read(&cursor) } else { try message.member(key, &cursor) }
        } conclude: {
            message.facts.usage = message.usage.disjoint
            if let problem { return WholeReading(.error(problem), facts: message.facts) }
            return WholeReading(.answer, facts: message.facts)
        }
    }
}
