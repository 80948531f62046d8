package import NIOCore
import NIOPosix
import SluiceCore
package import SluiceDispatch

/// What every ``Transport`` must do, as cases that run against a scripted upstream on this machine.
package struct TransportConformance: Sendable {
    /// A transport to test, and how it is reached.
    package struct Subject: Sendable, CustomStringConvertible {
        package let description: String
        package let isSecure: Bool
        package let make: @Sendable (any EventLoopGroup) -> any Transport
        /// Ends what `make` started.
        package let end: @Sendable (any Transport) -> Void

        package init(
            _ description: String, isSecure: Bool, make: @escaping @Sendable (any EventLoopGroup) -> any Transport,
            end: @escaping @Sendable (any Transport) -> Void = { _ in }
        ) {
            self.description = description
            self.isSecure = isSecure
            self.make = make
            self.end = end
        }
    }

    package struct Case: Sendable, CustomStringConvertible {
        package let description: String
        let run: @Sendable (TransportConformance) async throws -> Void

        init(_ description: String, _ run: @escaping @Sendable (TransportConformance) async throws -> Void) {
            self.description = description
            self.run = run
        }

        /// - Throws: What the transport did wrong.
        package func run(against subject: Subject) async throws {
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            let transport = subject.make(group)
            let result: Result<Void, any Error>
            do {
                try await self.run(TransportConformance(subject: subject, transport: transport, loop: group.next()))
                result = .success(())
            } catch {
                result = .failure(error)
            }
            subject.end(transport)
            try await group.shutdownGracefully()
            try result.get()
        }
    }

    /// A promise that was not kept.
    package struct Unmet: Error, CustomStringConvertible {
        package let description: String
    }

    /// The case cannot run on this machine.
    package struct Skipped: Error, CustomStringConvertible {
        package let description: String
    }

    package static let cases = Self.answerCases + Self.reuseCases + Self.failureCases + Self.headCases + Self.cancelCases + Self.flowCases

    let subject: Subject
    let transport: any Transport
    let loop: any EventLoop

    // MARK: - What cases are written with

    func expect(_ condition: Bool, _ what: @autoclosure () -> String) throws {
        guard condition else { throw Unmet(description: what()) }
    }

    func upstream(reading: UpstreamReading = .whole, _ behaviour: @escaping UpstreamBehaviour) async throws -> ScriptedUpstream {
        try await ScriptedUpstream.start(isSecure: self.subject.isSecure, reading: reading, behaviour)
    }

    func call(_ url: BackendURL, body: String = "{}") -> UpstreamCall {
        self.call(url, body: ByteBuffer(string: body))
    }

    func call(_ url: BackendURL, body: ByteBuffer) -> UpstreamCall {
        let fields = "content-type: application/json\r\nauthorization: Bearer key\r\naccept-encoding: identity\r\n"
        var call = UpstreamCall(url: url, path: "/v1/chat/completions", fields: ByteBuffer(string: fields), body: body)
        // A machine that builds at the same time takes long for 200 TLS handshakes.
        call.connectTimeout = .seconds(8)
        return call
    }

    func start(_ call: UpstreamCall) async throws -> RunningCall {
        try await RunningCall.start(call, over: self.transport, on: self.loop)
    }

    /// Runs one call to its end; what was heard must be in order.
    func run(_ call: UpstreamCall, within limit: TimeAmount = .seconds(60)) async throws -> CallRecorder.Record {
        let record = try await self.start(call).end(within: limit)
        try self.expect(record.faults.isEmpty, "the receiver heard: \(record.faults)")
        return record
    }

    func run(_ upstream: ScriptedUpstream, body: String = "{}", within limit: TimeAmount = .seconds(60)) async throws -> CallRecorder.Record {
        try await self.run(self.call(upstream.url, body: body), within: limit)
    }

    func expectWhole(_ record: CallRecorder.Record, _ body: String, status: Int = 200) throws {
        try self.expect(record.end == .whole, "the call did not end well: \(record)")
        try self.expect(record.head?.status == status, "status \(record.head?.status ?? 0) in place of \(status)")
        let text = String(buffer: record.body)
        try self.expect(
            text == body, "the body is \(text.prefix(100)) (\(text.utf8.count)) in place of \(body.prefix(100)) (\(body.utf8.count))")
        try self.expect(!record.isUnflushed, "pieces came and no callPaused or end")
    }

    func expectFailure(_ record: CallRecorder.Record, _ kind: TransportFailure.Kind, _ what: String = "") throws {
        try self.expect(record.kind == kind, "\(what) ended with \(record) in place of \(kind)")
    }

    /// Nothing was sent twice, and nothing that is not accounted for.
    func expectRequests(_ upstream: ScriptedUpstream, _ count: Int) throws {
        try self.expect(upstream.requests.count == count, "the upstream saw \(upstream.requests.count) requests in place of \(count)")
    }

    /// Lets time pass, for what is about time.
    func pass(_ time: TimeAmount) async throws {
        try await self.loop.scheduleTask(in: time) {}.futureResult.get()
    }
}

extension UpstreamPlan {
    /// A whole answer with its length.
    static func whole(_ body: String, status: Int = 200, fields: [(String, String)] = [], then steps: [Step] = []) -> UpstreamPlan {
        UpstreamPlan(
            [.head(status, [("content-type", "text/plain"), ("content-length", "\(body.utf8.count)")] + fields), .bytes(body)] + steps)
    }

    /// A streamed answer, one chunk for each piece.
    static func chunked(_ pieces: [String], then steps: [Step] = []) -> UpstreamPlan {
        UpstreamPlan([.head(200, [("transfer-encoding", "chunked")])] + pieces.map { .bytes($0) } + [.end] + steps)
    }

    /// Bytes as they stand, so many in each write.
    static func raw(_ text: String, every size: Int, then steps: [Step] = []) -> UpstreamPlan {
        var bytes = ByteBuffer(string: text)
        var plan: [Step] = []
        while let piece = bytes.readSlice(length: min(size, bytes.readableBytes)), piece.readableBytes > 0 { plan.append(.raw(piece)) }
        return UpstreamPlan(plan + steps)
    }
}
