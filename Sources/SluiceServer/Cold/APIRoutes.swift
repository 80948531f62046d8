package import Hummingbird
import HummingbirdCore
package import Logging
package import NIOCore
package import SluiceCore
package import SluiceDispatch

/// The API's routes besides inference.
package struct APIRoutes {
    private let policy: PolicyInForce
    private let keys: KeyRing
    private let deferral: Deferral
    private let desk: IdempotencyDesk
    private let clock: SluiceClock

    package init(policy: PolicyInForce, keys: KeyRing, deferral: Deferral, desk: IdempotencyDesk, clock: SluiceClock) {
        self.policy = policy
        self.keys = keys
        self.deferral = deferral
        self.desk = desk
        self.clock = clock
    }

    /// The API as a server: the hot path first on every connection, these routes behind it.
    package func application(
        at address: ServerSettings.Address, on group: any EventLoopGroup, loops: ServerLoops, tls: ListenerTLS?, logger: Logger,
        onRunning: @escaping @Sendable (any Channel) async -> Void
    ) -> some ApplicationProtocol {
        let router = Router(context: APIContext.self, options: .autoGenerateHeadEndpoints)
        let methods = RouteMethods()
        router.addMiddleware {
            RefusalMiddleware(clock: self.clock, methods: methods)
            KeyMiddleware(keys: self.keys, policy: self.policy)
            ContentCodingMiddleware()
            ContinueMiddleware()
        }
        ModelRoutes(policy: self.policy, since: self.clock.now.wall).add(to: router)
        JobRoutes(deferral: self.deferral, clock: self.clock).add(to: router)
        let desk = PostDesk(desk: self.desk, clock: self.clock)
        FileRoutes(deferral: self.deferral, desk: desk).add(to: router)
        MessageBatchRoutes(deferral: self.deferral, desk: desk).add(to: router)
        ResponseRoutes(deferral: self.deferral, desk: desk).add(to: router)
        WebhookRoutes(deferral: self.deferral, policy: self.policy, desk: desk).add(to: router)
        BatchRoutes(deferral: self.deferral, policy: self.policy, desk: desk).add(to: router)
        methods.learn(router.routes.map { ($0.path.description, $0.method) } + Endpoint.allCases.map { ($0.path, .post) })
        let server = HTTPServerBuilder { responder in
            APIChannel(
                http: HTTP1Channel(responder: responder, configuration: .init(additionalChannelHandlers: [ColdAnswerMarker()])), serverLoops: loops, tls: tls)
        }
        return Application(
            router: router, server: server,
            configuration: .init(
                address: BindAddress(address), serverName: nil, backlog: 8192, reuseAddress: true,
                availableConnectionsDelegate: MaximumAvailableConnections(ConnectionShare.mostAccepted)),
            onServerRunning: onRunning, eventLoopGroupProvider: .shared(group), logger: logger)
    }
}

extension BindAddress {
    init(_ address: ServerSettings.Address) {
        switch address {
        case .tcp(let host, let port): self = .hostname(host, port: port)
        case .unix(let path): self = .unixDomainSocket(path: path)
        }
    }
}
