import CCurl
package import NIOCore
package import SluiceDispatch

/// Calls over libcurl: TLS with the system's trust store, HTTP/2, proxies, happy eyeballs.
///
/// Every event loop of the group has an engine of its own, a thread that starts with its first call. Work that must not disturb other
/// work gets a transport of its own (a bulkhead).
package final class CurlTransport: Transport {
    package struct Configuration: Sendable {
        /// A file of PEM certificates that are trusted in place of the system's.
        package var certificateFile: String?
        package var proxies = ProxySettings()
        /// Whether HTTP/2 may be spoken over TLS.
        ///
        /// Many calls then share one connection, and libcurl (7.88) goes on reading for a paused call while others need the connection:
        /// up to 32 MB for each (33 MB were seen for one; none with HTTP/1.1). It saves no CPU time either, so it is off.
        package var allowsHTTP2 = false
        /// After so long without a call all idle connections are closed; libcurl by itself looks at them when the next call starts.
        package var quietTime = Duration.seconds(30)

        package init() {}

        /// As curl's own program reads it: `SSL_CERT_FILE` and the names of ``ProxySettings``. libcurl itself looks at neither.
        package init(environment: [String: String]) {
            self.certificateFile = environment["SSL_CERT_FILE"].flatMap { $0.isEmpty ? nil : $0 }
            self.proxies = ProxySettings(environment: environment)
        }
    }

    private let engines: [ObjectIdentifier: TransferEngine]

    package init(group: any EventLoopGroup, configuration: Configuration = Configuration()) {
        var engines: [ObjectIdentifier: TransferEngine] = [:]
        for loop in group.makeIterator() {
            engines[ObjectIdentifier(loop)] = TransferEngine(loop: loop, configuration: configuration)
        }
        self.engines = engines
    }

    /// Loads libcurl, once. Calls do that too, but where some will come the start is the better time, and what is missing is said at once.
    package static func prepare() throws(Unavailable) {
        if let reason = CurlTransport.obstacle { throw Unavailable(reason: reason) }
    }

    /// libcurl is not there or cannot be used.
    package struct Unavailable: Error, CustomStringConvertible {
        let reason: String

        package var description: String { "libcurl cannot be loaded, which calls over TLS need: \(self.reason); install it (Debian: libcurl4) and start again" }
    }

    /// Why libcurl cannot be used; nil where it can.
    private static let obstacle: String? = ccurl_load().map { String(cString: $0) }

    package func start(_ call: UpstreamCall, on loop: any EventLoop, receiver: any UpstreamReceiver) -> any UpstreamCallHandle {
        guard let engine = self.engines[ObjectIdentifier(loop)] else {
            preconditionFailure("a call was started on a loop that is not of the transport's group")
        }
        let transfer = CurlCall(call, receiver: receiver, engine: engine)
        do throws(Unavailable) {
            try CurlTransport.prepare()
            engine.post(.start(transfer))
        } catch {
            loop.execute { transfer.deliver(.failed(TransportFailure(.local, error.description))) }
        }
        return transfer
    }

    /// Ends all calls and the threads, and returns when they are gone. Not to be called from an event loop, nor after the loops' own end.
    package func shutDown() {
        for engine in self.engines.values { engine.post(.stop) }
        for engine in self.engines.values { engine.waitForEnd() }
    }
}
