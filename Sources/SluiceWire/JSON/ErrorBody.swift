package import SluiceCore

/// The error bodies of both dialects: the one place where a refusal becomes words on the wire (`contract.md`, Errors).
package enum ErrorBody {
    /// The JSON body of an answer with an error status.
    package static func json(_ refusal: Refusal, dialect: Endpoint.Dialect, requestID: String) -> [UInt8] {
        var json: [UInt8] = []
        switch dialect {
        case .openai:
            json.append(text: "{\"error\":{")
            self.openAIFields(refusal, into: &json)
            json.append(text: ",\"sluice\":{\"request_id\":")
            json.append(jsonString: requestID)
            json.append(text: "}}}")
        case .anthropic:
            json.append(text: "{\"type\":\"error\",")
            self.anthropicError(refusal, into: &json)
            json.append(text: ",\"request_id\":")
            json.append(jsonString: requestID)
            json.append(text: "}")
        }
        return json
    }

    /// `data: {"error": …}`, for a stream of the OpenAI dialect that has begun.
    package static func openAIEvent(_ refusal: Refusal) -> [UInt8] {
        var json: [UInt8] = []
        json.append(text: "data: {\"error\":{")
        self.openAIFields(refusal, into: &json)
        json.append(text: "}}\n\n")
        return json
    }

    /// `event: error`, for a stream of the Anthropic dialect that has begun.
    package static func anthropicEvent(_ refusal: Refusal) -> [UInt8] {
        var json: [UInt8] = []
        json.append(text: "event: error\ndata: {\"type\":\"error\",")
        self.anthropicError(refusal, into: &json)
        json.append(text: "}\n\n")
        return json
    }

    private static func openAIFields(_ refusal: Refusal, into json: inout [UInt8]) {
        json.append(text: "\"message\":")
        json.append(jsonString: refusal.message)
        json.append(text: ",\"type\":")
        json.append(jsonString: self.openAIType(refusal))
        json.append(text: ",\"param\":")
        if let param = refusal.param { json.append(jsonString: param) } else { json.append(text: "null") }
        json.append(text: ",\"code\":")
        json.append(jsonString: refusal.code.rawValue)
    }

    private static func anthropicError(_ refusal: Refusal, into json: inout [UInt8]) {
        json.append(text: "\"error\":{\"type\":")
        json.append(jsonString: self.anthropicType(refusal))
        json.append(text: ",\"message\":")
        json.append(jsonString: refusal.message)
        json.append(text: "}")
    }

    private static func openAIType(_ refusal: Refusal) -> String {
        switch refusal.status {
        case 401: "authentication_error"
        case 403: "permission_error"
        case 404: "not_found_error"
        case 429: "rate_limit_error"
        case 400..<500: "invalid_request_error"
        default: refusal.code == .upstreamFailed ? "upstream_error" : "server_error"
        }
    }

    /// One of the types that Anthropic's API documents.
    package static func anthropicType(_ refusal: Refusal) -> String {
        switch refusal.status {
        case 401: "authentication_error"
        case 403: "permission_error"
        case 404: "not_found_error"
        case 413: "request_too_large"
        case 429: "rate_limit_error"
        case 408, 504: "timeout_error"
        case 503, 529: "overloaded_error"
        case 400..<500: "invalid_request_error"
        default: "api_error"
        }
    }
}
