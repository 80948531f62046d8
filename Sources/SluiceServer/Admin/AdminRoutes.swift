package import Hummingbird
import HummingbirdCore
import HummingbirdTLS
package import Logging
package import NIOCore
package import SluiceCore

/// The admin listener: health for whoever watches the process, and the `/api` that commands and the dashboard use.
package struct AdminRoutes {
    private let health: ServerHealth
    private let api: AdminAPI
    private let token: String?

    /// - Parameter token: What clients that are not on this machine must send as `Authorization: Bearer`; nil refuses them.
    package init(health: ServerHealth, api: AdminAPI, token: String?) {
        self.health = health
        self.api = api
        self.token = token
    }

    package func application(
        at address: ServerSettings.Address, on group: any EventLoopGroup, tls: ListenerTLS?, logger: Logger,
        onRunning: @escaping @Sendable (any Channel) async -> Void
    ) throws -> some ApplicationProtocol {
        let router = Router(context: APIContext.self, options: .autoGenerateHeadEndpoints)
        let methods = RouteMethods()
        router.addMiddleware {
            ProblemMiddleware(methods: methods)
            AdminGate(token: self.token)
        }
        self.addHealth(to: router)
        self.api.add(to: router)
        methods.learn(router.routes.map { ($0.path.description, $0.method) })
        let strict = HTTPServerBuilder { StrictChannel(http: HTTP1Channel(responder: $0)) }
        return Application(
            router: router, server: try tls.map { try .tls(strict, tlsConfiguration: $0.configuration) } ?? strict,
            configuration: .init(address: BindAddress(address), serverName: nil, reuseAddress: true), onServerRunning: onRunning,
            eventLoopGroupProvider: .shared(group), logger: logger)
    }

    private func addHealth(to router: some RouterMethods<APIContext>) {
        router.get("/livez") { _, _ -> Response in .text("ok\n") }
        for path in ["/readyz", "/healthz"] {
            router.get(RouterPath(path)) { request, _ -> Response in
                let checks = self.health.checks()
                let isReady = checks.allSatisfy(\.isOK)
                guard request.uri.queryParameters["verbose"] != nil else {
                    return .text(isReady ? "ok\n" : "not ready\n", status: isReady ? .ok : .serviceUnavailable)
                }
                var json: [UInt8] = []
                json.append(text: "{\"schema\":\"sluice.ready/v1\",\"ready\":\(isReady),\"checks\":[")
                json.append(list: checks.map(\.json))
                json.append(text: "]}")
                return .json(json, status: isReady ? .ok : .serviceUnavailable)
            }
        }
    }
}

/// What `/readyz` looks at.
package struct ServerHealth: Sendable {
    package struct Check: Sendable {
        package var name: String
        package var isOK: Bool
        package var detail: String

        package init(_ name: String, isOK: Bool, detail: String) {
            self.name = name
            self.isOK = isOK
            self.detail = detail
        }

        fileprivate var json: [UInt8] {
            var json: [UInt8] = []
            json.append(text: "{\"name\":")
            json.append(jsonString: self.name)
            json.append(text: ",\"ok\":\(self.isOK),\"detail\":")
            json.append(jsonString: self.detail)
            json.append(text: "}")
            return json
        }
    }

    let checks: @Sendable () -> [Check]

    package init(_ checks: @escaping @Sendable () -> [Check]) {
        self.checks = checks
    }
}

/// Lets in who may be here: clients on this machine that speak to it by its own name, others with the token.
struct AdminGate: RouterMiddleware {
    let token: String?

    func handle(_ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response) async throws -> Response {
        let isHealth = ["/livez", "/readyz", "/healthz"].contains(request.uri.path)
        guard isHealth || self.mayEnter(request, context) else {
            throw Refusal(403, .invalidAPIKey, "the admin API is for clients on this machine, or with the token of SLUICE_ADMIN_TOKEN")
        }
        return try await next(request, context)
    }

    private func mayEnter(_ request: Request, _ context: APIContext) -> Bool {
        if let token, request.headers[.authorization] == "Bearer \(token)" { return true }
        // A web page elsewhere can make a browser on this machine ask: by another name for this address, or from another site.
        guard context.remoteAddress?.isLoopback ?? false, AdminGate.isLocal(request.head.authority) else { return false }
        if let site = request.headers[.secFetchSite], site == "cross-site" { return false }
        guard let origin = request.headers[.origin] else { return true }
        return AdminGate.isLocal(String(origin.drop { $0 != "/" }.drop { $0 == "/" }))
    }

    private static func isLocal(_ authority: String?) -> Bool {
        guard let authority else { return false }
        let host = authority.hasPrefix("[") ? authority.prefix { $0 != "]" }.dropFirst() : authority.prefix { $0 != ":" }
        // An address and no name: `127.0.0.1.example.org` is a name of somebody else's.
        let isLoopback = host.hasPrefix("127.") && host.utf8.allSatisfy { $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) }
        return host == "localhost" || host == "::1" || isLoopback
    }
}

/// Errors of the admin API as problem details (RFC 9457).
struct ProblemMiddleware: RouterMiddleware {
    let methods: RouteMethods

    func handle(_ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let refusal as Refusal {
            return .problem(refusal.status, refusal.code.rawValue, refusal.message)
        } catch let error as StoreError {
            return .problem(503, "storage_error", error.message)
        } catch let error as any HTTPResponseError {
            let isNothing = error.status == .notFound
            let allowed = isNothing ? self.methods.allowed(inPlaceOf: request).joined(separator: ", ") : ""
            guard allowed.isEmpty else {
                var response = Response.problem(405, "invalid_request", "\(request.uri.path.prefix(80)) takes \(allowed) only")
                response.headers[.allow] = allowed
                return response
            }
            return .problem(
                error.status.code, error.status.reasonPhrase, isNothing ? "there is nothing at \(request.uri.path.prefix(80))" : error.status.reasonPhrase)
        }
    }
}

extension Response {
    static func text(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(status: status, headers: [.contentType: "text/plain; charset=utf-8"], body: .init(byteBuffer: .init(string: text)))
    }

    static func problem(_ status: Int, _ code: String, _ detail: String) -> Response {
        let json = Problem.json(status, code, detail)
        return Response(status: .init(code: status), headers: [.contentType: Problem.type], body: .init(byteBuffer: .init(bytes: json)))
    }
}

/// Problem details (RFC 9457).
enum Problem {
    static let type = "application/problem+json"

    static func json(_ status: Int, _ code: String, _ detail: String) -> [UInt8] {
        var json: [UInt8] = []
        json.append(text: "{\"type\":\"about:blank\",\"title\":")
        json.append(jsonString: code)
        json.append(text: ",\"status\":\(status),\"detail\":")
        json.append(jsonString: detail)
        json.append(text: "}")
        return json
    }
}
