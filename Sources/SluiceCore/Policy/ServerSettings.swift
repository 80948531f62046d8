/// The `server:` section.
package struct ServerSettings: Sendable {
    package enum Address: Hashable, Sendable {
        case tcp(host: String, port: Int)
        case unix(path: String)

        /// Whether only this machine can connect.
        package var isLoopback: Bool {
            switch self {
            case .unix: true
            case .tcp(let host, _): host == "localhost" || host == "::1" || host.hasPrefix("127.")
            }
        }
    }

    package struct TLS: Hashable, Sendable {
        package var certificate: String
        package var key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    package enum Database: Hashable, Sendable {
        /// nil is the data folder's own file.
        case sqlite(path: String?)
        case postgres(SecretText)
    }

    package enum OnLedgerFull: String, Sendable, CaseIterable {
        case buffer, refuse
    }

    package enum HalfClose: String, Sendable, CaseIterable {
        case abort, keep
    }

    package var listen = Address.tcp(host: "127.0.0.1", port: 8080)
    package var admin = Address.tcp(host: "127.0.0.1", port: 9090)
    package var tls: TLS?
    package var adminTLS: TLS?
    /// Plain HTTP on an address that is not loopback is meant.
    package var isInsecure = false
    package var database = Database.sqlite(path: nil)
    package var retention = Retention()
    package var onLedgerFull = OnLedgerFull.buffer
    package var halfClose = HalfClose.abort
    /// Hosts and networks that webhooks may reach although they are private.
    package var webhooksAllowed: [String] = []

    package init() {}
}
