import Logging
import NIOCore
import NIOPosix
import SluiceCore
import SluiceDispatch
import SluiceTesting
import SluiceTransfer
import SluiceWire
import Synchronization

/// A dispatcher with real transports, a clock that is stepped by hand, and backends that a test scripts.
final class Stage: Sendable {
    let loop: any EventLoop
    let clock = SteppedClock()
    let live: LivePolicy
    private let dispatcher: NIOLoopBound<Dispatcher>

    /// - Parameter urls: Where each backend of the policy listens; nil for a simulated one.
    init(_ policy: PolicySet, at urls: [BackendURL?], secrets: [String] = []) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        self.loop = group.any()
        let fleet = BackendFleet(clock: SluiceClock { [clock] in clock.now })
        self.live = LivePolicy(
            policy: policy, fleet: fleet, budgets: Budgets(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }),
            upstreams: zip(policy.backends, urls).map { backend, url in
                let dialect: any Dialect = backend.api == .anthropic ? AnthropicDialect() : OpenAIDialect(api: backend.api)
                guard let address = url ?? BackendURL("http://simulated/v1") else { preconditionFailure("no URL") }
                return LivePolicy.Upstream(
                    backend: backend, url: address, dialect: dialect, fields: ByteBuffer(string: "accept-encoding: identity\r\n"),
                    kind: url == nil ? .simulated : .plain, secrets: secrets)
            })
        let plain = PlainTransport(group: group)
        let transports = TransportSet(plain: plain, secure: plain, simulated: SimulatedTransport(clock: SluiceClock { [clock] in clock.now }))
        let (loop, clock) = (self.loop, self.clock)
        self.dispatcher = try await loop.submit {
            let dispatcher = Dispatcher(
                loop: loop, fleet: fleet, transports: transports, clock: SluiceClock { clock.now },
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            return NIOLoopBound(dispatcher, eventLoop: loop)
        }.get()
    }

    /// Runs that have not ended.
    func runsUnderWay() async throws -> Int {
        try await self.loop.submit { self.dispatcher.value.runsUnderWay }.get()
    }

    /// Sends a request on its way.
    func start(
        _ body: String = Stage.chat(), on endpoint: Endpoint = .chat, book: AttemptBook = AttemptBook(),
        change: @Sendable @escaping (inout DispatchCall) -> Void = { _ in }
    ) async throws -> Performance {
        let sink = AnswerRecorder()
        let run = try await self.loop.submit {
            var call = try self.call(body, endpoint)
            change(&call)
            return NIOLoopBound(self.dispatcher.value.dispatch(call, to: sink, recorder: book), eventLoop: self.loop)
        }.get()
        return Performance(answer: sink.answer, sink: sink, book: book, run: run, loop: self.loop)
    }

    /// Sends a request and waits for the end of its answer.
    func answer(_ body: String = Stage.chat(), on endpoint: Endpoint = .chat, change: @Sendable @escaping (inout DispatchCall) -> Void = { _ in }) async throws
        -> (
            answer: RecordedAnswer, book: [LedgerEntry]
        )
    {
        let performance = try await self.start(body, on: endpoint, change: change)
        let answer = try await performance.end()
        return (answer, performance.book.entries)
    }

    private func call(_ body: String, _ endpoint: Endpoint) throws -> DispatchCall {
        let bytes = ByteBuffer(string: body)
        let fields = try bytes.withUnsafeReadableBytes { try RequestFields($0, endpoint: endpoint) }
        let request = InferenceRequest(fields, endpoint: endpoint, tenant: "default")
        let decision = try self.live.classifier.classify(request, tenant: self.live.policy.defaultTenant, at: self.clock.now.wall)
        let subject = LedgerEntry.Subject(
            requestID: "req_1", tenant: "default", key: nil, trafficClass: self.live.policy.classes[decision.trafficClass].name, route: "all",
            model: request.model,
            serve: .now, tierRequested: nil, policy: "test", tags: [:], currency: "USD")
        return DispatchCall(
            live: self.live, request: request, decision: decision, fields: fields, body: bytes, forwarded: [], subject: subject,
            arrived: self.clock.now)
    }

    static func chat(stream: Bool = false, more: String = "") -> String {
        "{\"model\":\"chat\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"stream\":\(stream)\(more)}"
    }
}

/// One request under way.
struct Performance: Sendable {
    let answer: Observed<RecordedAnswer>
    let sink: AnswerRecorder
    let book: AttemptBook
    private let run: NIOLoopBound<DispatchRun>
    private let loop: any EventLoop

    init(answer: Observed<RecordedAnswer>, sink: AnswerRecorder, book: AttemptBook, run: NIOLoopBound<DispatchRun>, loop: any EventLoop) {
        self.answer = answer
        self.sink = sink
        self.book = book
        self.run = run
        self.loop = loop
    }

    @discardableResult
    func end() async throws -> RecordedAnswer {
        try await self.answer.wait(for: "the end of the answer") { $0.isOver }
    }

    func cancel() async throws {
        try await self.loop.submit { self.run.value.cancel() }.get()
    }

    func becomesWritable(_ isWritable: Bool) async throws {
        try await self.loop.submit {
            self.sink.setWritable(isWritable)
            self.run.value.writabilityChanged(isWritable)
        }.get()
    }
}

/// Stands still until it is stepped.
final class SteppedClock: Sendable {
    private let milliseconds = Mutex<Int64>(1_000_000)

    var now: Now {
        let milliseconds = self.milliseconds.withLock { $0 }
        return Now(wall: Timestamp(milliseconds: 1_795_000_000_000 + milliseconds), monotonic: MonotonicInstant(nanoseconds: milliseconds * 1_000_000))
    }

    func step(_ duration: Duration) {
        self.milliseconds.withLock { $0 += duration.milliseconds }
    }
}
