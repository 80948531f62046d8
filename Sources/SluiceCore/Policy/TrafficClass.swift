/// How patient a request is, and where it may go.
package struct TrafficClass: Sendable {
    package enum Serve: String, Sendable, CaseIterable {
        /// At once, on the client's connection.
        case now
        /// Written to the durable queue first.
        case later
    }

    package struct Promotion: Hashable, Sendable {
        package var beforeDeadline: Duration
        /// The index of the pool.
        package var pool: Int

        package init(beforeDeadline: Duration, pool: Int) {
            self.beforeDeadline = beforeDeadline
            self.pool = pool
        }
    }

    package struct Hedge: Hashable, Sendable {
        package var afterQuantile: Double
        package var budget: PriceFactor

        package init(afterQuantile: Double, budget: PriceFactor) {
            self.afterQuantile = afterQuantile
            self.budget = budget
        }
    }

    /// Leave the first pool when its predicted wait is longer, spending at most so much a day beyond it.
    package struct Spill: Hashable, Sendable {
        package var whenWait: Duration
        package var maxSpendPerDay: Money?

        package init(whenWait: Duration, maxSpendPerDay: Money?) {
            self.whenWait = whenWait
            self.maxSpendPerDay = maxSpendPerDay
        }
    }

    package let index: Int
    package let name: String
    package var serve: Serve
    package var latency = LatencyBudget()
    /// Indices of pools, in the order of `use:`.
    package var pools: [Int]
    /// nil is `deadline: none`, work for capacity that nobody else wants.
    package var deadline: Duration?
    package var during: DispatchWindow?
    package var promote: Promotion?
    /// How long the connection of a client that never consented is kept open.
    package var hold: Duration?
    package var maxCost: Money?
    /// How often a request is sent again that may have been carried out.
    package var retryAmbiguous: Int
    /// When an attempt is given up without a first token.
    package var firstTokenTimeout: Duration?
    package var idleTimeout: Duration = .seconds(30)
    package var hedge: Hedge?
    package var spill: Spill?

    package init(index: Int, name: String, serve: Serve, pools: [Int]) {
        self.index = index
        self.name = name
        self.serve = serve
        self.pools = pools
        self.retryAmbiguous = serve == .now ? 0 : 2
    }

    /// Whether this class is more urgent than `other`: `now` before `later`, then the shorter first token or deadline.
    package func isMoreUrgent(than other: TrafficClass) -> Bool {
        switch (self.serve, other.serve) {
        case (.now, .later): true
        case (.later, .now): false
        case (.now, .now): (self.latency.firstToken ?? .seconds(1 << 40)) < (other.latency.firstToken ?? .seconds(1 << 40))
        case (.later, .later): (self.deadline ?? .seconds(1 << 40)) < (other.deadline ?? .seconds(1 << 40))
        }
    }
}

/// How long a client is ready to wait.
package struct LatencyBudget: Hashable, Sendable {
    /// Planned against and counted, never cut.
    package var firstToken: Duration?
    /// Cuts with 504.
    package var total: Duration?

    package init(firstToken: Duration? = nil, total: Duration? = nil) {
        self.firstToken = firstToken
        self.total = total
    }

    /// The tighter of both, part by part.
    package func tightened(by other: LatencyBudget) -> LatencyBudget {
        func tighter(_ a: Duration?, _ b: Duration?) -> Duration? { a.map { a in b.map { min(a, $0) } ?? a } ?? b }
        return LatencyBudget(firstToken: tighter(self.firstToken, other.firstToken), total: tighter(self.total, other.total))
    }
}
