import NIOCore
import NIOPosix
import SluiceCore
import SluiceDispatch

/// An inference request under its idempotency key: holds the key while it runs, and keeps its answer.
final class AnswerKeeper {
    enum Outcome {
        case first
        case replay(KeptAnswer)
        case refused(Refusal)
    }

    private let desk: IdempotencyDesk
    private let key: KeptAnswer.Key
    private let fingerprint: [UInt8]
    private let arrived: Timestamp
    private var isHeld = false
    /// The job that the request became.
    var job: String?
    private var stream: (lines: [UInt8], body: [UInt8])?

    init(_ hot: HotRequest, key: String, desk: IdempotencyDesk) {
        self.desk = desk
        self.key = KeptAnswer.Key(scope: hot.key ?? "", key: key)
        self.fingerprint = IdempotencyDesk.fingerprint("POST", hot.endpoint.path, hot.body)
        self.arrived = hot.arrived.wall
    }

    /// Asks for the key; `then` is called on the loop, later.
    func claim(on loop: any EventLoop, then: @escaping (Outcome) -> Void) {
        let (desk, key, fingerprint) = (self.desk, self.key, self.fingerprint)
        let bound = NIOLoopBound((self, then), eventLoop: loop)
        NIOThreadPool.singleton.submit { _ in
            let outcome: Outcome
            do {
                outcome = try desk.claim(key, fingerprint).map { .replay($0) } ?? .first
            } catch let refusal as Refusal {
                outcome = .refused(refusal)
            } catch {
                outcome = .refused(Refusal(503, .storageError, "the store cannot answer", retryAfter: .seconds(5)))
            }
            loop.execute {
                if case .first = outcome { bound.value.0.isHeld = true }
                bound.value.1(outcome)
            }
        }
    }

    /// What a transaction stores with the job that the request becomes.
    func kept(_ head: AnswerHead, _ body: ByteBuffer) -> KeptAnswer {
        KeptAnswer(
            key: self.key, fingerprint: self.fingerprint, at: self.arrived, status: head.status, lines: Array(buffer: head.lines), body: Array(buffer: body),
            subject: self.job)
    }

    func answered(_ head: AnswerHead, _ body: ByteBuffer) {
        guard self.isHeld else { return }
        self.isHeld = false
        guard IdempotencyDesk.isKept(head.status), body.readableBytes <= IdempotencyDesk.largestKept else { return self.desk.release(self.key) }
        self.desk.keep(self.kept(head, body))
    }

    func began(_ head: AnswerHead) {
        self.stream = (Array(buffer: head.lines), [])
    }

    func sent(_ events: ByteBuffer) {
        guard self.isHeld else { return }
        self.stream?.body.append(contentsOf: events.readableBytesView)
        // Too long to keep: the key is free again at the end.
        if self.stream?.body.count ?? 0 > IdempotencyDesk.largestKept { self.stream = nil }
    }

    func finished() {
        guard self.isHeld, let stream else { return self.release() }
        self.isHeld = false
        self.desk.keep(
            KeptAnswer(key: self.key, fingerprint: self.fingerprint, at: self.arrived, status: 200, lines: stream.lines, body: stream.body))
    }

    /// No answer, or one that is kept already.
    func release() {
        guard self.isHeld else { return }
        self.isHeld = false
        self.desk.release(self.key)
    }
}
