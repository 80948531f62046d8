package import Logging
import NIOCore
import ServiceLifecycle
import SluiceCore
package import SluiceDispatch

/// Reads the metrics of inference engines of one's own while deferred work is there for them: what an engine says of its line is better than
/// what can be found by trying.
package struct EngineWatch: Service {
    private static let every = Duration.seconds(2)
    private static let timeout = TimeAmount.seconds(2)

    private let loads: EngineLoads
    private let worker: DeferredWorker
    private let transports: TransportSet
    private let logger: Logger

    package init(loads: EngineLoads, worker: DeferredWorker, transports: TransportSet, logger: Logger) {
        self.loads = loads
        self.worker = worker
        self.transports = transports
        self.logger = logger
    }

    package func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                if self.isWork { await self.look() }
                try await Task.sleep(for: EngineWatch.every)
            }
        }
    }

    private var isWork: Bool { self.worker.running > 0 || !self.worker.store.backlog().isEmpty }

    private func look() async {
        let live = self.worker.policy.live
        await withDiscardingTaskGroup { group in
            for upstream in live.upstreams where upstream.backend.hasMetrics { group.addTask { await self.read(upstream) } }
        }
    }

    private func read(_ upstream: LivePolicy.Upstream) async {
        let name = upstream.backend.name
        switch await self.metrics(of: upstream) {
        case .success(let text):
            if let load = EngineLoad(metrics: text) { return self.loads.note(load, of: name, at: self.worker.clock.now.monotonic) }
            self.warn(name, "it has none of the figures that are known")
        case .failure(let failure): self.warn(name, failure.reason)
        }
    }

    private func warn(_ name: String, _ reason: String) {
        guard self.loads.noteUnreadable(name, at: self.worker.clock.now.monotonic) else { return }
        self.logger.warning(
            "an engine's metrics cannot be read, so deferred work takes half of what it could there",
            metadata: ["backend.name": "\(name)", "reason": "\(reason)"])
    }

    private func metrics(of upstream: LivePolicy.Upstream) async -> Result<String, TransportFailure> {
        var call = UpstreamCall(url: upstream.url, path: "/metrics", fields: upstream.fields, body: ByteBuffer())
        call.method = .get
        call.allowsPrivateAddresses = upstream.backend.isInternal
        let (asked, loop, transport) = (call, self.worker.loop, self.transports[upstream.kind])
        return await withCheckedContinuation { waiting in
            loop.execute {
                let page = MetricsPage { waiting.resume(returning: $0) }
                let bound = NIOLoopBound(page, eventLoop: loop)
                page.timer = loop.scheduleTask(in: EngineWatch.timeout) { bound.value.end(.failure(TransportFailure(.ambiguous, "no answer within 2 s"))) }
                page.handle = transport.start(asked, on: loop, receiver: page)
            }
        }
    }
}

extension Backend {
    /// Whether its kind of engine tells its load under `/metrics`.
    fileprivate var hasMetrics: Bool {
        switch self.api {
        case .vllm, .llamaCpp: true
        case .openai, .anthropic, .openaiBatch, .anthropicBatch, .simulated: false
        }
    }
}

/// Collects one page of metrics.
private final class MetricsPage: UpstreamReceiver {
    private static let longest = 1 << 20

    private var then: ((Result<String, TransportFailure>) -> Void)?
    private var body = ByteBuffer()
    var handle: (any UpstreamCallHandle)?
    var timer: Scheduled<Void>?

    init(_ then: @escaping (Result<String, TransportFailure>) -> Void) {
        self.then = then
    }

    func end(_ result: Result<String, TransportFailure>) {
        guard let then else { return }
        self.then = nil
        self.timer?.cancel()
        self.handle?.cancel()
        self.handle = nil
        then(result)
    }

    func callSent() {}

    func callAnswered(_ head: UpstreamHead) {
        if head.status != 200 { self.end(.failure(TransportFailure(.malformed, "it answers \(head.status)"))) }
    }

    func callReceived(_ bytes: ByteBuffer) {
        self.body.writeImmutableBuffer(bytes)
        if self.body.readableBytes > MetricsPage.longest { self.end(.failure(TransportFailure(.malformed, "the page is too long"))) }
    }

    func callPaused() {}
    func callEnded() { self.end(.success(String(buffer: self.body))) }
    func callFailed(_ failure: TransportFailure) { self.end(.failure(failure)) }
}
