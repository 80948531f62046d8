import SluiceCore
import SluiceWire
import Testing

@Suite struct ErrorBodyTests {
    private let refusal = Refusal(404, .modelNotFound, "no \"such\"\nmodel", param: "model")

    @Test func openAIClientsGetTheirEnvelope() {
        #expect(
            String(decoding: ErrorBody.json(self.refusal, dialect: .openai, requestID: "req_1"), as: UTF8.self)
                == #"{"error":{"message":"no \"such\"\nmodel","type":"not_found_error","param":"model","code":"model_not_found","sluice":{"request_id":"req_1"}}}"#
        )
    }

    @Test func anthropicClientsGetTheirs() {
        #expect(
            String(decoding: ErrorBody.json(self.refusal, dialect: .anthropic, requestID: "req_1"), as: UTF8.self)
                == #"{"type":"error","error":{"type":"not_found_error","message":"no \"such\"\nmodel"},"request_id":"req_1"}"#)
    }

    @Test func eventsAreOneLineOfJSON() {
        let openAI = String(decoding: ErrorBody.openAIEvent(self.refusal), as: UTF8.self)
        #expect(openAI.hasPrefix("data: {") && openAI.hasSuffix("}\n\n") && openAI.filter(\.isNewline).count == 2)
        let anthropic = String(decoding: ErrorBody.anthropicEvent(self.refusal), as: UTF8.self)
        #expect(anthropic.hasPrefix("event: error\ndata: {") && anthropic.filter(\.isNewline).count == 3)
    }

    @Test(arguments: [
        (400, "invalid_request_error"), (401, "authentication_error"), (403, "permission_error"), (404, "not_found_error"), (408, "timeout_error"),
        (413, "request_too_large"), (422, "invalid_request_error"), (429, "rate_limit_error"), (500, "api_error"), (502, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"), (529, "overloaded_error"),
    ])
    func anthropicTypesAreThoseOfItsAPI(_ status: Int, _ type: String) {
        #expect(ErrorBody.anthropicType(Refusal(status, .invalidRequest, "")) == type)
    }
}
