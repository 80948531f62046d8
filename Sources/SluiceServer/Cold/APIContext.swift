import Hummingbird
import NIOCore
import SluiceCore

/// What a request of the API's other routes carries through its handlers.
struct APIContext: RequestContext, RemoteAddressRequestContext {
    var coreContext: CoreRequestContextStorage
    let remoteAddress: SocketAddress?
    let channel: any Channel
    /// Set once the key was checked.
    var tenant: Tenant?
    /// The name of the key that was checked; nil while there is none.
    var key: String?

    init(source: ApplicationRequestContextSource) {
        self.coreContext = CoreRequestContextStorage(source: source)
        self.remoteAddress = source.channel.remoteAddress
        self.channel = source.channel
    }

    /// The tenant whose key was checked.
    ///
    /// - Throws: Where no check has run: a route that forgot it must not answer.
    func authenticated() throws -> Tenant {
        guard let tenant = self.tenant else { throw Refusal(401, .invalidAPIKey, "an API key is missing") }
        return tenant
    }
}

extension SocketAddress {
    /// Whether the peer is on this machine.
    var isLoopback: Bool {
        switch self {
        case .unixDomainSocket: true
        case .v4, .v6: self.ipAddress.map { $0 == "::1" || $0.hasPrefix("127.") || $0.hasPrefix("::ffff:127.") } ?? false
        }
    }
}
