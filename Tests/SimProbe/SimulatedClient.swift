import NIOCore
import SluiceCore
import SluiceTesting
import SluiceDispatch
import SluiceWire

/// One client and its request: sink, recorder, and what it was told.
final class SimulatedClient: AnswerSink, AttemptRecorder {
    let index: Int
    let trafficClass: Int
    let isStream: Bool
    let maxTokens: Int
    private(set) var promptTokens = 1
    private unowned let world: World
    var run: DispatchRun?
    /// How often it was told of an end.
    private(set) var ends = 0
    private(set) var refusal: Refusal?
    private(set) var status: Int?
    /// It got an answer that looks whole.
    private(set) var isContent = false
    private(set) var committedAt: Duration?
    private(set) var endedAt: Duration?
    private(set) var hasLeft = false
    var isWritable = true

    init(_ index: Int, trafficClass: Int, world: World) {
        self.index = index
        self.trafficClass = trafficClass
        self.world = world
        self.isStream = world.chance.fires(0.6)
        self.maxTokens = Int.random(in: 1...12, using: &world.chance)
    }

    func call(_ live: LivePolicy, at now: Now, isLate: Bool) throws -> DispatchCall {
        let text = String(repeating: "word ", count: Int.random(in: 1...60, using: &self.world.chance))
        let body = ByteBuffer(
            string:
                "{\"model\":\"chat\",\"max_tokens\":\(self.maxTokens),\"stream\":\(self.isStream),\"messages\":[{\"role\":\"user\",\"content\":\"\(text)\"}]}")
        let fields = try body.withUnsafeReadableBytes { try RequestFields($0, endpoint: .chat) }
        let request = InferenceRequest(fields, endpoint: .chat, tenant: "default")
        self.promptTokens = max(1, request.promptBytes / 4)
        let policy = live.policy
        var decision = Decision(route: 0, trafficClass: self.trafficClass, requested: 0, budget: policy.classes[self.trafficClass].latency)
        if isLate { decision.budget.total = decision.budget.total.map { $0 + .seconds(3) } }
        let subject = LedgerEntry.Subject(
            requestID: "req_\(self.index)", tenant: "default", key: nil, trafficClass: policy.classes[self.trafficClass].name, route: "all", model: "chat",
            serve: .now, tierRequested: nil, policy: "sim", tags: [:], currency: "USD")
        return DispatchCall(live: live, request: request, decision: decision, fields: fields, body: body, forwarded: [], subject: subject, arrived: now)
    }

    func leave() {
        guard self.ends == 0, !self.hasLeft, let run = self.run else { return }
        self.hasLeft = true
        run.cancel()
    }

    func becomesWritable(_ isWritable: Bool) {
        guard self.ends == 0 else { return }
        self.isWritable = isWritable
        self.run?.writabilityChanged(isWritable)
    }

    private func ended() {
        self.ends += 1
        self.endedAt = self.world.elapsed
    }

    // MARK: AnswerSink

    func answer(_ head: consuming AnswerHead, body: ByteBuffer) {
        self.status = head.status
        if self.status == 200 {
            self.isContent = true
            self.committedAt = self.world.elapsed
        }
        self.ended()
    }

    func refuse(_ refusal: Refusal) {
        self.refusal = refusal
        self.ended()
    }

    func begin(_ head: consuming AnswerHead) {
        self.status = head.status
        self.committedAt = self.world.elapsed
    }

    func send(_ events: consuming ByteBuffer) {}

    func finish(isWhole: Bool) {
        self.isContent = isWhole || self.world.mutant == .hidesCuts
        self.ended()
    }

    // MARK: AttemptRecorder

    func begin(_ intent: AttemptIntent, then: @escaping (StoreError?) -> Void) {
        self.world.begin(intent, self)
        then(nil)
    }

    func end(_ entry: LedgerEntry) { self.world.end(entry, self) }
}
