package import NIOCore
package import SluiceCore
package import SluiceWire

/// One request on its way to an answer: everything that the dispatcher needs, and nothing that it must ask back for.
package struct DispatchCall {
    package var live: LivePolicy
    package var request: InferenceRequest
    package var decision: Decision
    /// What the scanner found in ``body``.
    package var fields: RequestFields
    package var body: ByteBuffer
    /// Client headers of the contract's list, as complete lines.
    package var forwarded: ByteBuffer
    package var namesAnthropicVersion: Bool
    /// Client headers that some backend wants besides, by their names in lower case.
    package var extraHeaders: [(name: String, value: String)]
    package var subject: LedgerEntry.Subject
    package var arrived: Now
    /// Where a promoted job goes; nil for the class's own pools.
    package var pools: [Int]?
    /// How long the request waited in the queue.
    package var queued: Duration?
    /// Attempts that earlier runs of the same job made: numbers go on from there.
    package var earlierAttempts: Int
    /// How long it may wait for room.
    package var patience: Duration
    /// The index of the tenant's key was checked, the policy decided: what it took.
    package var decisionTime: Duration

    package init(
        live: LivePolicy, request: InferenceRequest, decision: Decision, fields: RequestFields, body: ByteBuffer, forwarded: ByteBuffer,
        subject: LedgerEntry.Subject, arrived: Now
    ) {
        self.live = live
        self.request = request
        self.decision = decision
        self.fields = fields
        self.body = body
        self.forwarded = forwarded
        self.namesAnthropicVersion = false
        self.extraHeaders = []
        self.subject = subject
        self.arrived = arrived
        self.earlierAttempts = 0
        self.patience = decision.budget.firstToken ?? .seconds(10)
        self.decisionTime = .zero
    }

    package var trafficClass: TrafficClass { self.live.policy.classes[self.decision.trafficClass] }
    package var isLater: Bool { self.trafficClass.serve == .later }
}

extension DispatchCall {
    /// The call to one backend: the client's own bytes with the few edits that the backend needs.
    func upstreamCall(to candidate: Route.Candidate) -> UpstreamCall {
        let upstream = self.live.upstreams[candidate.backend]
        let splices = self.fields.splices(
            model: candidate.offer.name, asksUsage: upstream.dialect.asksUsage(on: self.request.endpoint),
            keep: upstream.dialect.knownControls(in: self.fields))
        var body = self.body
        if !splices.isEmpty {
            body = ByteBufferAllocator().buffer(capacity: self.body.readableBytes + splices.growth)
            self.body.withUnsafeReadableBytes { body.write($0, with: splices) }
        }
        var fields = upstream.fields
        fields.reserveCapacity(minimumWritableBytes: self.forwarded.readableBytes + 64)
        fields.writeImmutableBuffer(self.forwarded)
        if self.request.endpoint.dialect == .anthropic, !self.namesAnthropicVersion {
            fields.writeStaticString("anthropic-version: 2023-06-01\r\n")
        }
        for header in self.extraHeaders where upstream.backend.forward.contains(header.name) {
            fields.writeString("\(header.name): \(header.value)\r\n")
        }
        var call = UpstreamCall(
            url: upstream.url, path: upstream.url.path(of: self.request.endpoint), fields: fields, body: body, backend: upstream.backend)
        call.allowsPrivateAddresses = upstream.backend.isInternal
        return call
    }
}
