package import NIOCore
package import SluiceCore
package import SluiceWire

/// One request on its way to an answer: everything that the dispatcher needs, and nothing that it must ask back for.
///
/// A class, since it is large and passes through many hands; whoever makes it changes it before it is dispatched, and nobody after.
package final class DispatchCall {
    package let live: LivePolicy
    package let request: InferenceRequest
    package let decision: Decision
    /// What the scanner found in ``body``.
    package let fields: RequestFields
    package let body: ByteBuffer
    /// Client headers of the contract's list, as complete lines.
    package let forwarded: [UInt8]
    package var namesAnthropicVersion = false
    /// Client headers that some backend wants besides, by their names in lower case.
    package var extraHeaders: [(name: String, value: String)] = []
    package let subject: LedgerEntry.Subject
    package let arrived: Now
    /// Where a promoted job goes; nil for the class's own pools.
    package var pools: [Int]?
    /// The backends that deferred work was planned for, by index, with the order in which they are tried; empty for all.
    package var ranks: [Int: Int] = [:]
    /// How long the request waited in the queue.
    package var queued: Duration?
    /// Attempts that earlier runs of the same job made: numbers go on from there.
    package var earlierAttempts = 0
    /// It only asks the original what a substitute has answered: it yields to everything else, and what it costs is waste.
    package var isVerification = false
    /// How long it may wait for room.
    package var patience: Duration
    /// The index of the tenant's key was checked, the policy decided: what it took.
    package var decisionTime = Duration.zero

    package init(
        live: LivePolicy, request: InferenceRequest, decision: Decision, fields: RequestFields, body: ByteBuffer, forwarded: [UInt8],
        subject: LedgerEntry.Subject, arrived: Now
    ) {
        self.live = live
        self.request = request
        self.decision = decision
        self.fields = fields
        self.body = body
        self.forwarded = forwarded
        self.subject = subject
        self.arrived = arrived
        self.patience = decision.budget.firstToken ?? .seconds(10)
    }

    package var trafficClass: TrafficClass { self.live.policy.classes[self.decision.trafficClass] }
    /// A hash over the beginning of the prompt; nil where there is no prompt.
    func prefix(tokens: Int) -> UInt64? {
        guard self.fields.promptRange != nil else { return nil }
        return self.body.withUnsafeReadableBytes { self.fields.prefixHash(in: $0, tokens: tokens) }
    }

    package var isLater: Bool { self.isVerification || self.live.policy.classes[self.decision.trafficClass].serve == .later }
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
        var call = UpstreamCall(
            url: upstream.url, path: upstream.path(of: self.request.endpoint), fields: upstream.fields, ownFields: self.ownFields(upstream), body: body)
        call.allowsPrivateAddresses = upstream.backend.isInternal
        call.simulation = upstream.backend.simulation
        return call
    }

    private func ownFields(_ upstream: LivePolicy.Upstream) -> [UInt8] {
        let lacksVersion = self.request.endpoint.dialect == .anthropic && !self.namesAnthropicVersion
        guard lacksVersion || !self.extraHeaders.isEmpty else { return self.forwarded }
        var fields = self.forwarded
        if lacksVersion { fields.append(text: "anthropic-version: 2023-06-01\r\n") }
        for header in self.extraHeaders where upstream.backend.forward.contains(header.name) {
            fields.append(text: "\(header.name): \(header.value)\r\n")
        }
        return fields
    }
}
