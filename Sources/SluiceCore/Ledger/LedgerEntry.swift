/// One row of the ledger before it has a place in the chain (`ledger.md`, Entries; `outputs.md`, field by field).
package struct LedgerEntry: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case intent, settled, waste
        case inDoubt = "in_doubt"
        case correction, capacity

        /// Whether the entry closes an attempt; each attempt has exactly one that does.
        package var isEnd: Bool {
            switch self {
            case .settled, .waste, .inDoubt: true
            case .intent, .correction, .capacity: false
            }
        }
    }

    package enum Outcome: String, Sendable, CaseIterable {
        case ok
        case clientGone = "client_gone"
        case upstreamError = "upstream_error"
        case truncated, timeout, refused
        case notSent = "not_sent"
        case superseded, unknown
    }

    /// How sure the money on the row is.
    package enum Evidence: String, Sendable, CaseIterable {
        case providerReported = "provider_reported"
        case computed, estimated
        case lowerBound = "lower_bound"
        case inDoubt = "in_doubt"
        case unpriced
    }

    /// What is odd about a row; kept beside the figures, which are never adjusted.
    package enum Flag: String, Sendable, CaseIterable {
        case unreconciled
        case usageAbsurd = "usage_absurd"
        case overMaxTokens = "over_max_tokens"
        case noDone = "no_done"
        case unbaselined
        /// The attempt asked the original what a substitute had answered.
        case verification
        /// The original was to be asked as well, but the answer is longer than what is kept to be compared.
        case unverified
    }

    package var kind: Kind
    package var at: Timestamp
    package var subject: Subject?
    package var attempt: Int?
    package var target: Target?
    package var estimate: Money?
    /// Shared by copies, since an entry passes through many hands and what ended it is large. To read a field of it through this is cheaper than
    /// through ``settlement``, which is a copy of all.
    package private(set) var ended: Ended?
    package var corrects: Int64?
    /// What the corrected entry came to before, so that a correction can be read alone.
    @Boxed package var before: Standing?
    /// Of an entry without a subject.
    package var currency: String?
    /// What a node did in the time that a capacity entry is about.
    @Boxed package var capacity: Capacity?

    package init(kind: Kind, at: Timestamp, subject: Subject?, attempt: Int?, target: Target?, estimate: Money?) {
        self.kind = kind
        self.at = at
        self.subject = subject
        self.attempt = attempt
        self.target = target
        self.estimate = estimate
    }

    /// What all attempts of one request have in common; shared, since a request may have several rows.
    package final class Subject: Sendable {
        package let requestID: String
        package let jobID: String?
        package let batchID: String?
        package let customID: String?
        package let clientRequestID: String?
        package let tenant: String
        package let key: String?
        package let trafficClass: String
        package let route: String
        package let model: String
        package let serve: TrafficClass.Serve
        package let tierRequested: String?
        package let policy: String
        package let tags: [String: String]
        package let currency: String

        package init(
            requestID: String, jobID: String? = nil, batchID: String? = nil, customID: String? = nil, clientRequestID: String? = nil,
            tenant: String, key: String?, trafficClass: String, route: String, model: String, serve: TrafficClass.Serve,
            tierRequested: String?, policy: String, tags: [String: String], currency: String
        ) {
            self.requestID = requestID
            self.jobID = jobID
            self.batchID = batchID
            self.customID = customID
            self.clientRequestID = clientRequestID
            self.tenant = tenant
            self.key = key
            self.trafficClass = trafficClass
            self.route = route
            self.model = model
            self.serve = serve
            self.tierRequested = tierRequested
            self.policy = policy
            self.tags = tags
            self.currency = currency
        }
    }

    /// What an entry came to, its earlier corrections included.
    package struct Standing: Sendable {
        package var kind: Kind
        package var at: Timestamp
        package var evidence: Evidence
        package var usage: TokenUsage?
        package var unitPrices: UnitPrices?
        package var perRequest = Money.zero
        /// nil where it had no price, or was in doubt.
        package var cost: Money?

        package var isDoubt: Bool { self.cost == nil && self.evidence != .unpriced }
        /// Whether it was counted as waste; a call that was in doubt stays there, at what it cost.
        package var isWaste: Bool { self.kind == .waste || self.kind == .inDoubt || self.isDoubt }

        package init(kind: Kind, at: Timestamp, evidence: Evidence) {
            self.kind = kind
            self.at = at
            self.evidence = evidence
        }
    }

    /// An hour of a node: paid for, and used for a part.
    package struct Capacity: Hashable, Sendable {
        package var gpus: Int
        package var span: Duration
        package var busy: Duration
        /// What the hour cost, whoever used it.
        package var cost: Money

        package init(gpus: Int, span: Duration, busy: Duration, cost: Money) {
            self.gpus = gpus
            self.span = span
            self.busy = busy
            self.cost = cost
        }
    }

    /// Where an attempt went; shared by its rows, as what the request has in common is.
    package final class Target: Sendable {
        package let pool: String
        package let backend: String
        package let backendModel: String
        package let rateCard: String?

        package init(pool: String, backend: String, backendModel: String, rateCard: String?) {
            self.pool = pool
            self.backend = backend
            self.backendModel = backendModel
            self.rateCard = rateCard
        }

        /// The same place at another card's prices.
        func priced(by rateCard: String?) -> Target {
            Target(pool: self.pool, backend: self.backend, backendModel: self.backendModel, rateCard: rateCard)
        }
    }

    /// How an attempt ended and what it cost.
    package struct Settlement: Sendable {
        package var outcome: Outcome
        package var status: Int?
        package var evidence: Evidence
        package var usage: TokenUsage?
        package var unitPrices: UnitPrices?
        package var perRequest = Money.zero
        /// nil where it is an interval or unpriced.
        package var cost: Money?
        package var costLow: Money?
        package var costHigh: Money?
        package var baseline: Money?
        /// The steps from baseline to cost, for the waterfall; nil where either is unknown.
        package var levers: Levers?
        package var modelServed: String?
        package var tierServed: String?
        package var providerCost: Money?
        package var upstreamID: String?
        /// On hardware of one's own: what would not have been paid without the request.
        package var marginalCost: Money?
        package var flags: [Flag] = []
        package var queued: Duration?
        package var firstToken: Duration?
        package var total: Duration?

        package init(outcome: Outcome, status: Int?, evidence: Evidence) {
            self.outcome = outcome
            self.status = status
            self.evidence = evidence
        }
    }

    package final class Ended: Sendable {
        package let settlement: Settlement

        fileprivate init(_ settlement: Settlement) {
            self.settlement = settlement
        }
    }

    package var settlement: Settlement? {
        get { self.ended?.settlement }
        set { self.ended = newValue.map(Ended.init) }
    }

    /// What each lever saved on one row; negative where it cost more. They add up to baseline − cost.
    package struct Levers: Hashable, Sendable {
        package static let zero = Levers(model: .zero, backend: .zero, lane: .zero, window: .zero, cache: .zero)

        package var model: Money
        package var backend: Money
        package var lane: Money
        package var window: Money
        package var cache: Money

        package init(model: Money, backend: Money, lane: Money, window: Money, cache: Money) {
            self.model = model
            self.backend = backend
            self.lane = lane
            self.window = window
            self.cache = cache
        }
    }
}

extension LedgerEntry {
    /// The intent of the attempt that this entry closes.
    package func intent(at begun: Timestamp) -> LedgerEntry {
        LedgerEntry(kind: .intent, at: begun, subject: self.subject, attempt: self.attempt, target: self.target, estimate: self.estimate)
    }

    /// The end of an attempt that only verified a substitute: paid, but no client has seen it, and no baseline would have been paid for it.
    package func asVerification() -> LedgerEntry {
        guard var settlement = self.settlement else { return self }
        var entry = self
        settlement.flags.append(.verification)
        settlement.flags.removeAll { $0 == .unbaselined }
        if self.kind == .settled, settlement.cost != .zero || settlement.outcome == .ok {
            entry.kind = .waste
            settlement.baseline = nil
            settlement.levers = nil
        }
        entry.settlement = settlement
        return entry
    }

    /// The end of an attempt whose answer came too late to count: paid, but nobody will see it.
    ///
    /// What was never paid for stays what it was.
    package func superseded() -> LedgerEntry {
        guard self.kind == .settled, var settlement = self.settlement, settlement.outcome == .ok || settlement.cost != .zero else { return self }
        var entry = self
        entry.kind = .waste
        if settlement.outcome == .ok { settlement.outcome = .superseded }
        settlement.baseline = nil
        settlement.levers = nil
        entry.settlement = settlement
        return entry
    }
}
