/// Backends that may stand in for one another.
package struct Pool: Sendable {
    package enum Pick: String, Sendable, CaseIterable {
        case inOrder = "in-order"
        case weighted
        case leastBusy = "least-busy"
        case cheapest, fastest
    }

    /// What may be tried again elsewhere before the commit point.
    package struct Failover: OptionSet, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }

        /// Nothing was sent: name, refused, TLS, connect time-out.
        package static let connect = Failover(rawValue: 1)
        package static let timeout = Failover(rawValue: 2)
        package static let rateLimit = Failover(rawValue: 4)
        package static let serverError = Failover(rawValue: 8)
        package static let all: Failover = [.connect, .timeout, .rateLimit, .serverError]
    }

    /// Same prefix, same backend, until it holds `spill` × the mean load.
    package struct Affinity: Hashable, Sendable {
        package var tokens: Int
        package var spill: PriceFactor

        package init(tokens: Int, spill: PriceFactor) {
            self.tokens = tokens
            self.spill = spill
        }
    }

    package let index: Int
    package let name: String
    package var backends: [Int]
    package var pick = Pick.inOrder
    /// By the position in ``backends``.
    package var weights: [Int] = []
    package var failover = Failover.all
    /// Attempts within the pool.
    package var retry = 2
    package var affinity: Affinity?

    package init(index: Int, name: String, backends: [Int]) {
        self.index = index
        self.name = name
        self.backends = backends
    }
}
