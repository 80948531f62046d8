import NIOCore
import NIOPosix
import SluiceCore
import SluiceDispatch
import SluiceTesting
import SluiceTransfer
import Testing

/// What is libcurl's own: TLS, names, proxies, and the end of its engines.
@Suite(.serialized) struct CurlTransportTests {
    @Test func aCertificateThatNobodyVouchesForIsNotSent() async throws {
        let upstream = try await ScriptedUpstream.start(isSecure: true) { _ in UpstreamPlan([.head(200, [("content-length", "0")])]) }
        let record = try await Self.run(upstream.url, CurlTransport.Configuration())
        #expect(record.kind == .notSent)
        #expect(!record.isSent)
        #expect(upstream.requests.isEmpty)
    }

    @Test func aCertificateForAnotherHostIsNotSent() async throws {
        let upstream = try await ScriptedUpstream.start(isSecure: true) { _ in UpstreamPlan([.head(200, [("content-length", "0")])]) }
        let url = try #require(BackendURL("https://127.0.0.2:\(upstream.port)"))
        let record = try await Self.run(url, Self.trusting)
        #expect(record.kind == .notSent)
        #expect(upstream.requests.isEmpty)
    }

    @Test func plainTextWhereTLSIsExpectedIsNotSent() async throws {
        let upstream = try await ScriptedUpstream.start { _ in UpstreamPlan([.head(200, [("content-length", "0")])]) }
        let url = try #require(BackendURL("https://127.0.0.1:\(upstream.port)"))
        let record = try await Self.run(url, Self.trusting)
        #expect(record.kind == .notSent)
        #expect(upstream.requests.isEmpty)
    }

    @Test func aNameThatIsNoneSaysNothingOfTheBackend() async throws {
        let url = try #require(BackendURL("https://no-such-host.invalid"))
        let record = try await Self.run(url, Self.trusting)
        #expect(record.kind == .local)
        #expect(!record.isSent)
    }

    @Test func aCertificateFileThatIsNoneIsOurOwnFault() async throws {
        var configuration = CurlTransport.Configuration()
        configuration.certificateFile = "/nonexistent.pem"
        let record = try await Self.run(try #require(BackendURL("https://127.0.0.1:1")), configuration)
        #expect(record.kind == .local || record.kind == .notSent)
    }

    @Test func aProxyIsAskedForATunnel() async throws {
        let proxy = try await ScriptedUpstream.start { _ in UpstreamPlan([.head(407, [("content-length", "0"), ("connection", "close")])]) }
        var configuration = Self.trusting
        configuration.proxies.secure = "http://127.0.0.1:\(proxy.port)"
        let record = try await Self.run(try #require(BackendURL("https://api.example")), configuration)
        #expect(record.kind == .notSent)
        #expect(proxy.requests.map(\.method) == ["CONNECT"])
        #expect(proxy.requests.first?.header("authorization") == nil)
    }

    @Test func callsUnderWayEndWhenTheTransportShutsDown() async throws {
        let upstream = try await ScriptedUpstream.start { _ in UpstreamPlan([.stall]) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let transport = CurlTransport(group: group)
        let call = try await RunningCall.start(Self.call(upstream.url), over: transport, on: group.next())
        try await upstream.truth.wait(for: "the request") { !$0.requests.isEmpty }
        transport.shutDown()
        let record = try await call.end()
        #expect(record.kind == .ambiguous)
        try await upstream.truth.wait(for: "the connection's end") { $0.open == 0 }
        try await group.shutdownGracefully()
    }

    @Test func idleConnectionsAreClosedWhenNobodyCallsForLong() async throws {
        let upstream = try await ScriptedUpstream.start(isSecure: true) { _ in
            UpstreamPlan([.head(200, [("content-length", "2")]), .bytes("ok")])
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var configuration = Self.trusting
        configuration.quietTime = .milliseconds(200)
        let transport = CurlTransport(group: group, configuration: configuration)
        for round in 1...2 {
            for _ in 0..<10 {
                let record = try await RunningCall.start(Self.call(upstream.url), over: transport, on: group.next()).end()
                #expect(record.end == .whole)
            }
            #expect(upstream.requests.count == 10 * round)
            try await upstream.truth.wait(for: "the connections' end", within: .seconds(3)) { $0.open == 0 }
        }
        transport.shutDown()
        try await group.shutdownGracefully()
    }

    @Test func anEngineThatWasNeverUsedHasNoThread() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        CurlTransport(group: group).shutDown()
        try await group.shutdownGracefully()
    }

    private static var trusting: CurlTransport.Configuration {
        var configuration = CurlTransport.Configuration()
        configuration.certificateFile = CertificateFile.path
        return configuration
    }

    private static func call(_ url: BackendURL) -> UpstreamCall {
        var call = UpstreamCall(
            url: url, path: "/v1/models", fields: ByteBuffer(string: "authorization: Bearer key\r\n"), body: ByteBuffer())
        call.connectTimeout = .seconds(5)
        return call
    }

    private static func run(_ url: BackendURL, _ configuration: CurlTransport.Configuration) async throws -> CallRecorder.Record {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let transport = CurlTransport(group: group, configuration: configuration)
        let record = try await RunningCall.start(self.call(url), over: transport, on: group.next()).end()
        transport.shutDown()
        try await group.shutdownGracefully()
        return record
    }
}
