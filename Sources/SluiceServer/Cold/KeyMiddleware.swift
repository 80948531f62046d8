import Hummingbird
import SluiceCore
import SluiceDispatch

/// Checks the API key before any route looks at a request, by the same rules as the hot path.
struct KeyMiddleware: RouterMiddleware {
    let keys: KeyRing
    let policy: PolicyInForce

    func handle(_ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response) async throws -> Response {
        var context = context
        (context.tenant, context.key) = try self.identity(of: request, context)
        return try await next(request, context)
    }

    private func identity(of request: Request, _ context: APIContext) throws(Refusal) -> (Tenant, key: String?) {
        let policy = self.policy.live.policy
        guard !self.keys.isEmpty else {
            guard context.remoteAddress?.isLoopback ?? false else {
                throw Refusal(401, .invalidAPIKey, "no API key is configured, so only clients on this machine are served; make one with `sluice keys new NAME`")
            }
            guard request.headers[.origin] == nil else {
                throw Refusal(403, .invalidAPIKey, "requests of web pages need an API key; make one with `sluice keys new NAME`")
            }
            return (policy.defaultTenant, nil)
        }
        let credentials = Set(request.headers[values: .authorization].map(KeyMiddleware.token) + request.headers[values: .apiKey])
        guard let key = credentials.first else { throw Refusal(401, .invalidAPIKey, "an API key is missing; send `Authorization: Bearer KEY`") }
        guard credentials.count == 1, key.utf8.count <= 512, let identity = self.keys.identity(of: key.utf8) else {
            throw Refusal(401, .invalidAPIKey, "the API key is not valid")
        }
        return (policy.tenant(ofKey: identity.name, madeFor: identity.tenant), identity.name)
    }

    private static func token(_ value: String) -> String {
        value.lowercased().hasPrefix("bearer ") ? value.dropFirst(7).trimmed : ""
    }
}
