import SluiceCore
import SluiceTesting

/// A policy drawn by chance: what the simulated backends may be asked, and how often.
struct SimulatedPolicy {
    /// What is promised.
    let truth: PolicySet
    /// What the dispatcher is given: the same, but where a mutant changed it.
    let used: PolicySet

    init(_ chance: inout SeededGenerator, mutant: Mutant?) {
        var parts = SimulatedPolicy.parts(&chance)
        self.truth = PolicySet(parts)
        switch mutant {
        case .limitOffByOne: for index in parts.backends.indices { parts.backends[index].limits.concurrent? += 1 }
        case .rateOffByOne: for index in parts.backends.indices { parts.backends[index].limits.requestsPerMinute? += 1 }
        case .repeatsAmbiguous: for index in parts.classes.indices { parts.classes[index].retryAmbiguous += 1 }
        case .freeHedges: for index in parts.classes.indices { parts.classes[index].hedge?.budget = .one }
        case .pricesTooLow: for index in parts.backends.indices { parts.backends[index].prices = SimulatedPolicy.prices(index, tenths: 9) }
        case .wrongSpender:
            parts.budgets = parts.budgets.map {
                Budget(index: $0.index, name: $0.name, scope: .tenant(Glob("other")), limit: $0.limit, period: $0.period, thresholds: $0.thresholds)
            }
        default: break
        }
        self.used = PolicySet(parts)
    }

    private static func prices(_ index: Int, tenths: Int64) -> Backend.Prices {
        var prices = RateCard.Prices(repeating: nil)
        prices.input = TokenPrice(pico: Int64(index + 1) * 100_000 * tenths)
        prices.output = TokenPrice(pico: Int64(index + 1) * 300_000 * tenths)
        return .every([RateCard(revision: "card", prices: prices)])
    }

    private static func parts(_ chance: inout SeededGenerator) -> PolicySet.Parts {
        var parts = PolicySet.Parts()
        let count = Int.random(in: 1...4, using: &chance)
        parts.backends = (0..<count).map { index in
            var backend = Backend(index: index, name: "b\(index)", api: .openai)
            backend.prices = self.prices(index, tenths: 10)
            if chance.fires(0.5) { backend.limits.concurrent = Int.random(in: 1...6, using: &chance) }
            if chance.fires(0.25) { backend.limits.requestsPerMinute = Int.random(in: 1...12, using: &chance) }
            return backend
        }
        var pool = Pool(index: 0, name: "main", backends: Array(0..<count))
        pool.retry = Int.random(in: 1...4, using: &chance)
        pool.pick = [.inOrder, .leastBusy, .cheapest, .fastest].randomElement(using: &chance) ?? .inOrder
        parts.pools = [pool]
        parts.models = [Model(index: 0, name: "chat", offers: (0..<count).map { _ in Model.Offer(name: "own") })]
        var terms = Tenant.Terms()
        if chance.fires(0.3) { terms.limits.concurrent = Int.random(in: 1...10, using: &chance) }
        parts.tenants = [Tenant(index: 0, name: "default", terms: terms)]
        parts.classes = (0..<2).map { index in
            var one = TrafficClass(index: index, name: "class\(index)", serve: .now, pools: [0])
            one.latency.firstToken = .seconds(index == 0 ? 2 : 20)
            if chance.fires(0.5) { one.latency.total = .seconds(Int64.random(in: 2...60, using: &chance)) }
            if chance.fires(0.4) { one.firstTokenTimeout = .seconds(Int64.random(in: 1...10, using: &chance)) }
            one.retryAmbiguous = chance.fires(0.3) ? 1 : 0
            if chance.fires(0.5) { one.hedge = TrafficClass.Hedge(afterQuantile: 0.5, budget: PriceFactor(millionths: chance.fires(0.5) ? 50_000 : 300_000)) }
            return one
        }
        if chance.fires(0.3) {
            let limit = Money(pico: Int64.random(in: 1...40, using: &chance) * 20_000_000)
            parts.budgets = [Budget(index: 0, name: "all", scope: .all, limit: limit, period: .day, thresholds: [(.one, .reject)])]
        }
        parts.routes = [RouteRule(index: 0, name: "all", match: RouteMatch(), trafficClass: 0, place: SourcePlace(file: "p", line: 1, column: 1))]
        parts.baseline = Baseline(backend: 0, model: .requested, ignoresCache: false)
        return parts
    }
}

extension SeededGenerator {
    mutating func fires(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &self) < share }
}
