import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceWire

/// One inference request from its whole body to its answer: scanned, classified, then dispatched at once or handed to the queue.
final class LiveExchange: AnswerSink {
    private let connection: HotConnection
    private let endpoint: Endpoint
    private let requestID: String
    private var run: DispatchRun?
    private var wait: QueueWait?
    private var isOver = false
    /// Nobody waits for the answer on this connection any more.
    private var hasClientLeft = false
    private var isStreaming = false
    /// Where a stream's events go.
    private var stream: AnswerStream?
    /// Given for a request with an idempotency key.
    private var keeper: AnswerKeeper?
    /// Given for the first try of an SDK: its retries may find it under this.
    private var inFlight: CallsInFlight.Key?
    /// Retries that wait for this call's answer.
    private var listeners: [CallsInFlight.Call] = []
    /// The call whose answer this one waits for.
    private var host: CallsInFlight.Call?
    /// A client that has its answer but for the end does not wait for a disk that hangs.
    private static let patienceWithDisk = TimeAmount.seconds(1)

    init(connection: HotConnection, request: HotRequest) {
        self.connection = connection
        self.endpoint = request.endpoint
        self.requestID = request.id
    }

    func begin(_ hot: HotRequest) {
        if let count = hot.retryCount, let calls = self.connection.server.calls {
            self.begin(hot, isRetry: count > 0, among: calls)
        } else {
            self.runOnce(hot)
        }
    }

    /// Under its idempotency key, where it has one.
    private func runOnce(_ hot: HotRequest) {
        guard let key = hot.idempotencyKey, let desk = self.connection.server.desk else { return self.run(hot) }
        self.beginOnce(hot, AnswerKeeper(hot, key: key, desk: desk))
    }

    private func beginOnce(_ hot: HotRequest, _ keeper: AnswerKeeper) {
        keeper.claim(on: self.connection.server.loop) { outcome in
            guard !self.isOver else { return keeper.release() }
            switch outcome {
            case .first:
                self.keeper = keeper
                self.run(hot)
            case .replay(let kept):
                self.answer(AnswerHead(status: kept.status, lines: ByteBuffer(bytes: kept.lines)), body: ByteBuffer(bytes: kept.body))
            case .refused(let refusal):
                self.refuse(refusal)
            }
        }
    }

    /// A retry attaches to the first call while that has not begun to answer.
    private func begin(_ hot: HotRequest, isRetry: Bool, among calls: CallsInFlight) {
        let loop = self.connection.server.loop
        let key = CallsInFlight.Key(hot)
        let ours = CallsInFlight.Call(self, on: loop)
        guard let first = calls.enter(key, ours, isRetry: isRetry) else {
            self.inFlight = key
            return self.runOnce(hot)
        }
        let bound = NIOLoopBound(hot, eventLoop: loop)
        self.host = first
        first.loop.execute {
            guard !first.exchange.value.attach(ours) else { return }
            loop.execute { ours.exchange.value.runAlone(bound.value) }
        }
    }

    /// The first call was over, or had begun to answer.
    private func runAlone(_ hot: HotRequest) {
        self.host = nil
        if !self.isOver { self.runOnce(hot) }
    }

    private func attach(_ listener: CallsInFlight.Call) -> Bool {
        guard !self.isOver, !self.isStreaming else { return false }
        self.listeners.append(listener)
        return true
    }

    private func listenerLeft(_ listener: CallsInFlight.Call) {
        self.listeners.removeAll { $0.id == listener.id }
        if self.hasClientLeft, self.listeners.isEmpty, !self.isOver { self.abandon() }
    }

    /// Does the same for everybody who waits for this call.
    private func tellListeners(_ body: @escaping @Sendable (LiveExchange) -> Void) {
        for listener in self.listeners { listener.loop.execute { body(listener.exchange.value) } }
    }

    private func run(_ hot: HotRequest) {
        let server = self.connection.server
        do throws(Refusal) {
            let fields = try hot.body.withUnsafeReadableBytes { bytes throws(Refusal) in try RequestFields(bytes, endpoint: hot.endpoint) }
            try fields.checkMessages(hot.endpoint)
            guard let tenant = hot.tenant else { throw Refusal(401, .invalidAPIKey, "the API key is not valid") }
            var request = InferenceRequest(endpoint: hot.endpoint, tenant: tenant.name, model: fields.model)
            try LiveExchange.fill(&request, hot, fields)
            let decision = try hot.live.classify(request, tenant: tenant, at: hot.arrived.wall)
            if decision.wait != nil {
                self.wait = try QueueWait(hot, request, fields, decision, sink: self, server: server, keeper: self.keeper)
                self.wait?.begin()
                return
            }
            let now = server.clock.now
            let call = LiveExchange.call(hot, consume request, decision, consume fields, decided: now.monotonic)
            let run = server.dispatcher.dispatch(call, to: self, recorder: server.ledger.makeRecorder(), at: now)
            if !self.isOver { self.run = run }
        } catch {
            self.refuse(error)
        }
    }

    private static func call(
        _ hot: HotRequest, _ request: consuming InferenceRequest, _ decision: Decision, _ fields: consuming RequestFields, decided: MonotonicInstant
    ) -> DispatchCall {
        let policy = hot.live.policy
        let subject = LedgerEntry.Subject(
            requestID: hot.id, clientRequestID: hot.clientRequestID, tenant: request.tenant, key: request.key,
            trafficClass: policy.classes[decision.trafficClass].name, route: policy.routes[decision.route].displayName, model: request.model,
            serve: .now, tierRequested: request.serviceTier, policy: policy.revision, tags: request.tags, currency: policy.currency)
        let call = DispatchCall(
            live: hot.live, request: consume request, decision: decision, fields: consume fields, body: hot.body, forwarded: hot.forwarded, subject: subject,
            arrived: hot.arrived)
        call.namesAnthropicVersion = hot.namesAnthropicVersion
        call.extraHeaders = hot.extraHeaders
        call.decisionTime = decided - hot.arrived.monotonic
        return call
    }

    /// Adds what routing may know of the request.
    private static func fill(_ request: inout InferenceRequest, _ hot: HotRequest, _ fields: RequestFields) throws(Refusal) {
        request.take(fields)
        request.key = hot.key
        request.headers = hot.matchable
        if !hot.tags.isEmpty { request.tags.merge(hot.tags) { _, tag in tag } }
        request.wishes = hot.wishes
        request.consent = LiveExchange.consent(hot, fields)
        if request.consent == .background, let window = fields.completionWindow, window != "soonest" {
            guard let deadline = ClientWishes.Deadline(window) else {
                throw .invalid(
                    "`background_options.completion_window` is \(window.quotedForMessage); write `soonest` or a duration such as 2h, at most ten years",
                    param: "background_options.completion_window")
            }
            guard !fields.isStream else {
                throw .invalid("`stream` goes with the completion window `soonest` alone", param: "stream")
            }
            request.wishes.deadline = deadline
        }
    }

    /// Of several ways to agree to wait the one that is answered most plainly counts.
    private static func consent(_ hot: HotRequest, _ fields: RequestFields) -> Consent {
        if let prefer = hot.prefer, let wait = Preference.respondAsync(in: prefer) { return .respondAsync(wait: wait.seconds) }
        if hot.wishes.deadline != nil { return .deadline }
        if let wanted = hot.wishes.trafficClass, hot.live.policy.trafficClass(named: wanted)?.serve == .later { return .waitingClass }
        if fields.isBackground, hot.endpoint == .responses { return .background }
        if fields.serviceTier == "flex" || fields.serviceTier == "batch" { return .tier }
        return .none
    }

    // MARK: What the connection tells

    func clientLeft() {
        // A retry still waits for it.
        guard self.listeners.isEmpty || self.isOver else {
            self.hasClientLeft = true
            return
        }
        if let host = self.host {
            let ours = CallsInFlight.Call(self, on: self.connection.server.loop)
            host.loop.execute { host.exchange.value.listenerLeft(ours) }
        }
        self.abandon()
    }

    /// Nobody waits any more.
    private func abandon() {
        self.isOver = true
        self.leave()
        self.keeper?.release()
        self.run?.cancel()
        self.run = nil
        self.wait?.clientLeft()
        self.wait = nil
    }

    func writabilityChanged(_ isWritable: Bool) {
        self.run?.writabilityChanged(isWritable)
    }

    /// The server stops now: a stream ends with an error event, an answer that was not begun is a refusal.
    func cut() {
        self.run?.cut()
        self.wait?.cut()
    }

    // MARK: AnswerSink

    func answer(_ head: consuming AnswerHead, body: ByteBuffer) {
        guard !self.isOver else { return }
        self.keeper?.answered(head, body)
        if !self.listeners.isEmpty {
            let shared = copy head
            self.tellListeners { $0.answer(shared, body: body) }
        }
        if !self.hasClientLeft {
            let (first, second) = ResponseBytes.whole(
                head, body: body, keepsAlive: self.connection.mayStay, isOldClient: self.connection.isOldClient)
            self.connection.write(first, then: second)
        }
        self.end()
    }

    func refuse(_ refusal: Refusal) {
        let (head, body) = ResponseBytes.refusal(refusal, dialect: self.endpoint.dialect, requestID: self.requestID)
        self.answer(head, body: body)
    }

    func begin(_ head: consuming AnswerHead) {
        guard !self.isOver else { return }
        self.isStreaming = true
        self.stream = self.connection.beginStream()
        self.keeper?.began(head)
        if !self.listeners.isEmpty {
            let shared = copy head
            self.tellListeners { $0.begin(shared) }
        }
        guard !self.hasClientLeft else { return }
        self.connection.write(ResponseBytes.streamHead(head, isChunked: !self.connection.isOldClient, keepsAlive: self.connection.mayStay))
    }

    func send(_ events: consuming ByteBuffer) {
        guard !self.isOver else { return }
        self.keeper?.sent(events)
        if !self.listeners.isEmpty {
            let shared = copy events
            self.tellListeners { $0.send(shared) }
        }
        guard !self.hasClientLeft else { return }
        self.stream?.send(events)
    }

    func finish(isWhole: Bool) {
        guard !self.isOver else { return }
        if isWhole { self.keeper?.finished() } else { self.keeper?.release() }
        self.tellListeners { $0.finish(isWhole: isWhole) }
        if !self.hasClientLeft, !self.connection.isOldClient { self.connection.write(ByteBuffer(staticString: "0\r\n\r\n")) }
        self.end()
    }

    /// On disk before the end of the answer is sent, so that no process that is killed leaves an answer of the sample without it.
    func verify(_ call: VerifiedCall, then: @escaping () -> Void) {
        let server = self.connection.server
        guard let deferral = server.deferral else { return then() }
        let loop = server.loop
        let waiting = NIOLoopBoundBox<(() -> Void)?>(then, eventLoop: loop)
        let end: @Sendable () -> Void = {
            let then = waiting.value
            waiting.value = nil
            then?()
        }
        let timer = loop.scheduleTask(in: LiveExchange.patienceWithDisk, end)
        call.keep(in: deferral.verifications, deferral.signals, server.logger) {
            loop.execute {
                timer.cancel()
                end()
            }
        }
    }

    var isWritable: Bool { self.hasClientLeft || self.stream?.isWritable ?? false }

    private func end() {
        self.isOver = true
        self.run = nil
        self.wait = nil
        self.leave()
        if !self.hasClientLeft { self.connection.exchangeEnded() }
    }

    private func leave() {
        self.listeners = []
        self.host = nil
        guard let key = self.inFlight else { return }
        self.inFlight = nil
        self.connection.server.calls?.leave(key, self)
    }
}

/// `Prefer` of RFC 7240, as far as it is about waiting.
enum Preference {
    struct Wait {
        /// `wait=N`, at most five minutes.
        var seconds: Duration?
    }

    /// nil where `respond-async` is not among the preferences.
    static func respondAsync(in header: String) -> Wait? {
        var isAsync = false
        var wait = Wait(seconds: nil)
        for part in header.split(separator: ",") {
            let preference = (part.split(separator: ";").first ?? "").split(separator: "=", maxSplits: 1).map { $0.trimmed.lowercased() }
            if preference == ["respond-async"] { isAsync = true }
            // Of a preference that is there twice the first one counts.
            guard preference.count == 2, preference[0] == "wait", wait.seconds == nil else { continue }
            if let seconds = Int(self.bare(preference[1])), seconds >= 0 { wait.seconds = .seconds(min(seconds, 300)) }
        }
        return isAsync ? wait : nil
    }

    /// A quoted value says the same as a bare one (RFC 7240, 2).
    private static func bare(_ value: String) -> String {
        value.count >= 2 && value.first == "\"" && value.last == "\"" ? String(value.dropFirst().dropLast()) : value
    }
}
