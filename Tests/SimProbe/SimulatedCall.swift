import NIOCore
import NIOEmbedded
import SluiceCore
import SluiceDispatch

/// One call that reached the simulated network: plays what its backend does, and knows what that will be billed for.
final class SimulatedCall: UpstreamCallHandle {
    enum Step {
        case refused(isOurs: Bool)
        case sent
        case head(Int, more: String = "")
        case stream(isFree: Bool = false)
        /// One token, in an event of its own.
        case token
        case event(String)
        case whole(String)
        /// The body is whole by its framing.
        case end
        case broken(TransportFailure.Kind)
    }

    let backend: Int
    let key: AttemptKey
    let started: Duration
    private unowned let world: World
    private let prompt: Int
    private let most: Int
    private var receiver: (any UpstreamReceiver)?
    private var steps: ArraySlice<(after: Duration, step: Step)> = []
    private(set) var wasSent = false
    private(set) var isAlive = true
    private var isPaused = false
    private var isDue = false
    /// What the backend bills: the prompt, once it has begun to work, and what it has generated.
    private var billsPrompt = false
    /// It refuses inside a stream, which nobody bills once it has been said.
    private var refuses = false
    private var hasRefused = false
    /// A 200 was told: it has read the prompt.
    private var hasAnswered = false
    private var generated = 0

    init(backend: Int, key: AttemptKey, prompt: Int, most: Int, world: World, receiver: any UpstreamReceiver) {
        self.backend = backend
        self.key = key
        self.prompt = prompt
        self.most = most
        self.world = world
        self.receiver = receiver
        self.started = world.elapsed
    }

    var billed: TokenUsage { self.billsPrompt ? TokenUsage(input: self.prompt, output: self.generated) : .zero }

    func play(_ steps: [(after: Duration, step: Step)]) {
        self.steps = steps[...]
        self.next()
    }

    /// The world is over, whatever this call waits for.
    func forget() { self.receiver = nil }

    func cancel() -> Bool {
        guard self.world.mutant != .ignoresCancel else { return self.wasSent }
        // The backend may have gone on a little before it heard.
        if self.isAlive, self.wasSent {
            if self.refuses {
                self.billsPrompt = !self.hasRefused
            } else if !self.billsPrompt {
                self.billsPrompt = self.hasAnswered || self.world.chance.fires(0.5)
            }
            if self.billsPrompt, !self.refuses { self.generated = min(self.most, self.generated + Int.random(in: 0...2, using: &self.world.chance)) }
        }
        self.finish()
        return self.wasSent
    }

    func pause() { self.isPaused = true }

    func resume() {
        self.isPaused = false
        if !self.isDue { self.next() }
    }

    /// A failure after which nobody knows: the work may have been done, all of it.
    private func mayBill() {
        guard !self.billsPrompt, self.world.chance.fires(0.5) else { return }
        self.billsPrompt = true
        self.generated = Int.random(in: 0...self.most, using: &self.world.chance)
    }

    private func finish() {
        guard self.isAlive else { return }
        self.isAlive = false
        self.receiver = nil
        self.steps = []
        self.world.ended(self)
    }

    private func next() {
        guard !self.isPaused, let step = self.steps.first else { return }
        self.isDue = true
        let bound = NIOLoopBound(self, eventLoop: self.world.loop)
        self.world.loop.scheduleTask(in: .nanoseconds(step.after.nanoseconds)) { bound.value.perform() }
    }

    private func perform() {
        self.isDue = false
        guard self.isAlive, let receiver = self.receiver, let (_, step) = self.steps.popFirst() else { return }
        switch step {
        case .refused(let isOurs):
            self.finish()
            return receiver.callFailed(TransportFailure(isOurs ? .local : .notSent, "simulated"))
        case .sent:
            self.wasSent = true
            receiver.callSent()
        case .head(let status, let more):
            self.hasAnswered = status == 200
            receiver.callAnswered(
                UpstreamHead(status: status, lines: ByteBuffer(string: "content-type: application/json\r\n" + more), endsWithConnection: false))
        case .stream(let isFree):
            self.billsPrompt = !isFree
            self.refuses = isFree
            receiver.callAnswered(UpstreamHead(status: 200, lines: ByteBuffer(string: "content-type: text/event-stream\r\n"), endsWithConnection: false))
        case .token:
            self.generated += 1
            self.tell("data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"tok \"}}]}\n\n")
        case .event(let text):
            self.hasRefused = true
            self.tell(text)
        case .whole(let text):
            self.billsPrompt = true
            self.generated = self.most
            self.tell(text)
        case .end:
            self.finish()
            return receiver.callEnded()
        case .broken(let kind):
            self.mayBill()
            self.finish()
            return receiver.callFailed(TransportFailure(kind, "simulated"))
        }
        if self.isAlive { self.next() }
    }

    private func tell(_ text: String) {
        guard let receiver = self.receiver else { return }
        receiver.callReceived(ByteBuffer(string: text))
        if self.isAlive { receiver.callPaused() }
    }
}

/// Which attempt of which request.
struct AttemptKey: Hashable, CustomStringConvertible {
    var request: Int
    var attempt: Int

    var description: String { "request \(self.request), attempt \(self.attempt)" }
}
