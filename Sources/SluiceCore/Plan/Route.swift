/// Where a request may be sent, best first, and what was passed over and why.
package struct Route: Sendable {
    package struct Candidate: Sendable {
        /// Indices into the policy's lists.
        package var pool: Int
        package var backend: Int
        package var offer: Model.Offer
        package var estimatedCost: Money?
        package var predictedFirstToken: Duration?
        /// Its first token is expected after the request's budget: tried when the others have failed or are full.
        package var isTooSlow = false
        /// The pool's requests that begin alike go to it (``Pool/Affinity``).
        package var isHome = false

        package init(pool: Int, backend: Int, offer: Model.Offer, estimatedCost: Money? = nil, predictedFirstToken: Duration? = nil) {
            self.pool = pool
            self.backend = backend
            self.offer = offer
            self.estimatedCost = estimatedCost
            self.predictedFirstToken = predictedFirstToken
        }
    }

    package struct PassedOver: Sendable {
        package var pool: Int
        package var backend: Int
        package var reason: Reason
        package var estimatedCost: Money?
    }

    package enum Reason: Hashable, Sendable {
        case model(String)
        case endpoint(Endpoint)
        case closed(DispatchWindow)
        case tooDear(Money)
        case unpriced
        case tooCoarse
        case contextTooShort(Int)
        /// A provider's batch, for a request that cannot wait for it.
        case batchLane
    }

    /// How a class with `spill` stands with its first pool.
    package struct Spill: Hashable, Sendable {
        package var pool: Int
        package var whenWait: Duration
    }

    package var candidates: [Candidate] = []
    /// Those that would do but are down: a last resort.
    package var down: [Candidate] = []
    package var passedOver: [PassedOver] = []
    /// nil where the pools are taken as they come. Where the first pool is left, its backends come last.
    package var spill: Spill?

    /// Whether a backend is in it already; pools may share one.
    func holds(_ backend: Int) -> Bool {
        self.candidates.contains { $0.backend == backend } || self.down.contains { $0.backend == backend }
    }

    /// Leaves only backends that have a rank, the lowest first; the order inside a rank stays. With no ranks everything stays.
    package mutating func keep(_ ranks: [Int: Int]) {
        guard !ranks.isEmpty else { return }
        let ranked = self.candidates.enumerated().compactMap { place, candidate in ranks[candidate.backend].map { ($0, place, candidate) } }
        self.candidates = ranked.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.2)
        self.down.removeAll { ranks[$0.backend] == nil }
    }

    /// Why nothing is left, where nothing is.
    package var isTooDear: Bool {
        self.candidates.isEmpty && self.down.isEmpty && self.passedOver.contains { if case .tooDear = $0.reason { true } else { false } }
    }
}

extension Route.Reason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .model(let name): "does not serve \(name)"
        case .endpoint(let endpoint): "does not serve \(endpoint.path)"
        case .closed(.named(let window)): "closed by the window \(window)"
        case .closed: "closed by its window"
        case .tooDear(let limit): "above the cost limit of \(limit)"
        case .unpriced: "its model has no price, and the policy says `unpriced: reject`"
        case .tooCoarse: "coarser or smaller than the substitution allows"
        case .contextTooShort(let tokens): "its context of \(tokens) tokens is too short"
        case .batchLane: "a provider's batch lane, for work that waits without a connection"
        }
    }
}
