package import NIOCore
package import SluiceCore

/// Puts a price on the ends of lines, with the rates of the moment at which they left.
package struct LineMeter {
    private let live: LivePolicy
    private let intent: LedgerEntry
    private let endpoint: Endpoint
    private let upstream: LivePolicy.Upstream?
    /// nil where the policy no longer knows the backend or the model: then the row has no price.
    private let priced: (meter: Meter, candidate: Route.Candidate)?
    private let waited: Duration?
    /// For the line that says where the answer came from; empty where the model is the one that was asked for.
    private let substituted: [UInt8]

    /// - Parameter job: nil where it was erased meanwhile.
    package init(_ intent: LedgerEntry, request: InferenceRequest?, job: Job?, endpoint: Endpoint, live: LivePolicy) {
        self.live = live
        self.intent = intent
        self.endpoint = endpoint
        self.waited = job.map { max(intent.at - $0.created, .zero) }
        let policy = live.policy
        self.substituted = job.map { LineMeter.substituted($0, request, policy) } ?? []
        let backend = intent.target.flatMap { policy.backend(named: $0.backend) }
        self.upstream = backend.map { live.upstreams[$0.index] }
        let requested = intent.subject.flatMap { policy.model(named: $0.model) }
        let sent = job.flatMap { policy.model(named: $0.sentModel) } ?? requested
        guard let backend, let target = intent.target, let requested, let sent, let offer = sent.offers[backend.index], offer.name == target.backendModel else {
            self.priced = nil
            return
        }
        let trafficClass = intent.subject.flatMap { policy.trafficClass(named: $0.trafficClass) }?.index ?? 0
        var decision = Decision(route: 0, trafficClass: trafficClass, requested: requested.index, budget: LatencyBudget())
        decision.model = sent.index
        let known = request ?? InferenceRequest(endpoint: endpoint, tenant: intent.subject?.tenant ?? "", model: requested.name)
        self.priced = (
            Meter(policy: policy, request: known, decision: decision, at: intent.at),
            Route.Candidate(pool: 0, backend: backend.index, offer: offer)
        )
    }

    /// The rule is found by today's policy, as for a job that goes by itself.
    private static func substituted(_ job: Job, _ request: InferenceRequest?, _ policy: PolicySet) -> [UInt8] {
        guard job.model != job.sentModel else { return [] }
        var rule: Substitution?
        if let request, let requested = policy.model(named: job.model), let trafficClass = policy.trafficClass(named: job.trafficClass) {
            var decision = Decision(route: 0, trafficClass: trafficClass.index, requested: requested.index, budget: LatencyBudget())
            policy.substitute(&decision, request, trafficClass)
            if policy.models[decision.model].name == job.sentModel { rule = decision.substitutions.last.map { policy.substitutions[$0] } }
        }
        return RouteLine.substituted(job.model, by: job.sentModel, rule)
    }

    /// What an answer of status 2xx turned out to be.
    package func read(_ body: ByteBuffer) -> WholeReading {
        guard let upstream else { return WholeReading(.garbage("the backend is no longer part of the policy"), facts: AnswerFacts()) }
        return body.withUnsafeReadableBytes { upstream.dialect.readWhole($0, on: self.endpoint) }
    }

    /// The end of a line that was answered.
    package func answered(_ reading: WholeReading, status: Int, at now: Timestamp) -> LedgerEntry {
        var facts = reading.facts
        // Whatever the answer calls it: it came by the lane, and is billed so.
        facts.tier = Backend.API.batchTier
        guard let (meter, candidate) = self.priced else {
            var end = LedgerEntry.Settlement(outcome: .ok, status: status, evidence: .unpriced)
            end.usage = facts.usage?.usage
            end.modelServed = facts.model
            end.tierServed = facts.tier
            end.upstreamID = facts.upstreamID
            return self.closed(end, as: .settled, at: now)
        }
        return self.closed(meter.answered(.ok, status: status, candidate: candidate, facts: facts, share: nil, at: now), as: .settled, at: now)
    }

    /// The end of a line that is not billed.
    package func free(_ outcome: LedgerEntry.Outcome, status: Int?, at now: Timestamp) -> LedgerEntry {
        if let meter = self.priced?.meter { return self.closed(meter.free(outcome, status: status), as: .settled, at: now) }
        var end = LedgerEntry.Settlement(outcome: outcome, status: status, evidence: .computed)
        (end.cost, end.costLow, end.costHigh) = (.zero, .zero, .zero)
        return self.closed(end, as: .settled, at: now)
    }

    /// The header lines of an answer: where it came from, and what it cost.
    package func lines(of entry: LedgerEntry) -> [UInt8] {
        guard let subject = entry.subject, let target = entry.target else { return [] }
        let route = RouteLine(
            trafficClass: Array(subject.trafficClass.structuredToken.utf8), route: LivePolicy.Words.structured(subject.route),
            pool: Array(target.pool.structuredToken.utf8), backend: Array(target.backend.structuredToken.utf8),
            policy: LivePolicy.Words.structured(subject.policy), substituted: self.substituted)
        return [UInt8](atMost: route.longest + subject.currency.utf8.count + 96) { out in
            route.write(attempt: entry.attempt ?? 1, into: &out)
            if let end = entry.ended { CostLine(end.settlement).write(currency: subject.currency, into: &out) }
        }
    }

    private func closed(_ settlement: LedgerEntry.Settlement, as kind: LedgerEntry.Kind, at now: Timestamp) -> LedgerEntry {
        var entry = self.intent
        entry.kind = kind
        entry.at = now
        var end = settlement
        if end.evidence == .unpriced || end.cost == nil { end.levers = nil }
        end.queued = self.waited
        end.total = now - self.intent.at
        entry.settlement = end
        return entry
    }
}
