import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceWire

/// What became of one call about batches.
enum ProviderAnswer: Sendable {
    case answered(status: Int, retryAfter: Duration?, body: ByteBuffer)
    case failed(TransportFailure)

    /// The body of an answer of status 2xx.
    var success: ByteBuffer? {
        if case .answered(200..<300, _, let body) = self { body } else { nil }
    }

    var status: Int? {
        if case .answered(let status, _, _) = self { status } else { nil }
    }

    /// How the bundle's course is to take it; nil for a refusal, which would come again.
    var failure: BundleCourse.Failure? {
        switch self {
        case .failed(let failure):
            switch failure.kind {
            case .notSent, .unreached, .local: .notSent
            case .ambiguous, .hungUp, .malformed, .cut: .ambiguous
            }
        case .answered(401...403, _, _): .account
        case .answered(429, let wait, let body): ProviderAnswer.isSpent(body) ? .account : .busy(retryAfter: wait)
        case .answered(503, let wait, _), .answered(529, let wait, _): .busy(retryAfter: wait)
        // Also an answer of 2xx that cannot be read: it was carried out, and nobody knows under which name.
        case .answered(200..<300, _, _), .answered(408, _, _), .answered(409, _, _), .answered(500..., _, _): .ambiguous
        case .answered: nil
        }
    }

    private static func isSpent(_ body: ByteBuffer) -> Bool {
        let text = String(buffer: body.getSlice(at: body.readerIndex, length: min(4096, body.readableBytes)) ?? ByteBuffer())
        return ["insufficient_quota", "billing", "credit"].contains { text.contains($0) }
    }

    /// In words for the operator.
    var words: String {
        switch self {
        case .failed(let failure): failure.reason
        case .answered(let status, _, let body):
            "the provider answered \(status): \(String(buffer: body.getSlice(at: body.readerIndex, length: min(300, body.readableBytes)) ?? ByteBuffer()))"
        }
    }
}

/// Makes calls about batches and waits for their whole answers.
struct ProviderCalls: Sendable {
    let loop: any EventLoop
    let transports: TransportSet
    let clock: SluiceClock

    /// A call whose task is cancelled is dropped, and so is one that has no whole answer in time.
    func perform(_ call: BatchCall, at upstream: LivePolicy.Upstream, within limit: Duration) async -> ProviderAnswer {
        let (asked, transport) = (upstream.call(call), self.transports[upstream.kind])
        let (loop, clock) = (self.loop, self.clock)
        let cell = NIOLoopBoundBox<ProviderReceiver?>.makeBoxSendingValue(nil, eventLoop: loop)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { waiting in
                loop.execute {
                    let receiver = ProviderReceiver(clock: clock) { waiting.resume(returning: $0) }
                    cell.value = receiver
                    let bound = NIOLoopBound(receiver, eventLoop: loop)
                    receiver.timer = loop.scheduleTask(in: .milliseconds(limit.milliseconds)) {
                        bound.value.end(.failed(TransportFailure(.ambiguous, "no whole answer within \(DurationText.format(limit))")))
                    }
                    receiver.handle = transport.start(asked, on: loop, receiver: receiver)
                }
            }
        } onCancel: {
            loop.execute { cell.value?.end(.failed(TransportFailure(.ambiguous, "the server was stopped"))) }
        }
    }
}

/// Collects one whole answer.
private final class ProviderReceiver: UpstreamReceiver {
    /// Results of the largest bundle, with long answers.
    private static let longest = 512 << 20

    private let clock: SluiceClock
    private var then: ((ProviderAnswer) -> Void)?
    private var head: UpstreamHead?
    private var body = ByteBuffer()
    var handle: (any UpstreamCallHandle)?
    var timer: Scheduled<Void>?

    init(clock: SluiceClock, _ then: @escaping (ProviderAnswer) -> Void) {
        self.clock = clock
        self.then = then
    }

    func end(_ answer: ProviderAnswer) {
        guard let then else { return }
        self.then = nil
        self.timer?.cancel()
        self.handle?.cancel()
        self.handle = nil
        then(answer)
    }

    func callSent() {}
    func callAnswered(_ head: UpstreamHead) { self.head = head }

    func callReceived(_ bytes: ByteBuffer) {
        self.body.writeImmutableBuffer(bytes)
        if self.body.readableBytes > ProviderReceiver.longest { self.end(.failed(TransportFailure(.malformed, "the answer is too long"))) }
    }

    func callPaused() {}

    func callEnded() {
        guard let head else { return self.end(.failed(TransportFailure(.malformed, "an answer without a head"))) }
        let wait = RetryAfter.parse(seconds: head.value(of: "retry-after"), milliseconds: head.value(of: "retry-after-ms"), at: self.clock.now.wall)
        self.end(.answered(status: head.status, retryAfter: wait, body: self.body))
    }

    func callFailed(_ failure: TransportFailure) { self.end(.failed(failure)) }
}
