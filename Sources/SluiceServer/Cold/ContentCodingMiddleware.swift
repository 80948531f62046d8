import HTTPTypes
import Hummingbird
import SluiceCore

/// Refuses a body in a content coding, as the hot path does: it would be read as it came, and be nonsense.
struct ContentCodingMiddleware: RouterMiddleware {
    func handle(_ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response) async throws -> Response {
        if let coding = request.headers[.contentEncoding], coding.lowercased() != "identity" {
            throw Refusal(415, .invalidRequest, "a body in a content coding is not accepted; send it plain", param: "Content-Encoding")
        }
        return try await next(request, context)
    }
}
