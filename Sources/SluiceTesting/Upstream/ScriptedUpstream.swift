package import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
package import SluiceCore

/// A backend that plays a plan for every request, and keeps its own ground truth of what it received and sent.
package final class ScriptedUpstream: Sendable {
    package struct Truth: Sendable {
        package var requests: [UpstreamRecord] = []
        package var connections = 0
        /// Connections that are open now.
        package var open = 0
        /// Requests whose plan is being played, now and at most so far.
        package var inFlight = 0
        package var peak = 0
        /// When the latest connection ended.
        package var lastCloseAt: NIODeadline?
    }

    package let truth = Observed(Truth())
    package let isSecure: Bool
    private let channel: any Channel

    private init(channel: any Channel, isSecure: Bool) {
        self.channel = channel
        self.isSecure = isSecure
    }

    /// Starts one on a free port of 127.0.0.1.
    ///
    /// - Parameter isSecure: TLS with ``TestCertificate``.
    package static func start(
        isSecure: Bool = false, reading: UpstreamReading = .whole, _ behaviour: @escaping UpstreamBehaviour
    ) async throws -> ScriptedUpstream {
        let tls = try isSecure ? NIOSSLContext(configuration: Self.tlsConfiguration()) : nil
        let opened = Observed<ScriptedUpstream?>(nil)
        var bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
        if case .slowly(let bytes, _) = reading {
            // The kernel's buffers would swallow the whole request: the small size is inherited from the listening socket.
            bootstrap = bootstrap.serverChannelOption(.socketOption(.so_rcvbuf), value: 4096)
                .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: bytes))
                .childChannelOption(.maxMessagesPerRead, value: 1)
        }
        switch reading {
        case .whole, .early: break
        default: bootstrap = bootstrap.childChannelOption(.autoRead, value: false)
        }
        let channel = try await bootstrap.childChannelInitializer { channel in
            opened.value.map { upstream in upstream.setUp(channel, tls: tls, reading: reading, behaviour: behaviour) }
                ?? channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
        }.bind(host: "127.0.0.1", port: 0).get()
        let upstream = ScriptedUpstream(channel: channel, isSecure: isSecure)
        opened.update { $0 = upstream }
        return upstream
    }

    private static func tlsConfiguration() throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(TestCertificate.certificate.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(TestCertificate.key.utf8), format: .pem)))
        configuration.applicationProtocols = ["http/1.1"]
        return configuration
    }

    private func setUp(
        _ channel: any Channel, tls: NIOSSLContext?, reading: UpstreamReading, behaviour: @escaping UpstreamBehaviour
    ) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            let door = UpstreamDoor()
            try channel.pipeline.syncOperations.addHandler(door)
            if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
            try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
            try channel.pipeline.syncOperations.addHandler(
                UpstreamConnection(truth: self.truth, door: door, reading: reading, behaviour: behaviour))
        }
    }

    package var port: Int { self.channel.localAddress?.port ?? 0 }

    package var url: BackendURL {
        guard let url = BackendURL("\(self.isSecure ? "https" : "http")://127.0.0.1:\(self.port)") else {
            preconditionFailure("a scripted upstream has no port")
        }
        return url
    }

    /// The requests that came in whole, in their order.
    package var requests: [UpstreamRecord] { self.truth.value.requests }

    /// Stops listening; open connections play on.
    package func close() async throws {
        try await self.channel.close()
    }
}
