import SluiceCore

/// One class over one pool of backends that all serve `chat` for 1 and 2 dollars per million tokens.
enum TestPolicy {
    static func make(
        backends: Int, api: Backend.API = .openai, _ change: (inout PolicySet.Parts) -> Void = { _ in }
    ) -> PolicySet {
        var parts = PolicySet.Parts()
        parts.backends = (0..<backends).map { index in
            var backend = Backend(index: index, name: "b\(index)", api: api)
            backend.isInternal = true
            var prices = RateCard.Prices(repeating: nil)
            prices.input = TokenPrice(perMillion: "1")
            prices.cachedInput = TokenPrice(perMillion: "0.5")
            prices.output = TokenPrice(perMillion: "2")
            backend.prices = .every([RateCard(revision: "card", prices: prices)])
            return backend
        }
        var pool = Pool(index: 0, name: "main", backends: Array(0..<backends))
        pool.retry = 3
        parts.pools = [pool]
        parts.tenants = [Tenant(index: 0, name: "default")]
        parts.models = [Model(index: 0, name: "chat", offers: (0..<backends).map { _ in Model.Offer(name: "own") })]
        parts.classes = [TrafficClass(index: 0, name: "live", serve: .now, pools: [0])]
        parts.routes = [RouteRule(index: 0, name: "all", match: RouteMatch(), trafficClass: 0, place: SourcePlace(file: "p", line: 1, column: 1))]
        parts.baseline = Baseline(backend: 0, model: .requested, ignoresCache: false)
        change(&parts)
        return PolicySet(parts)
    }
}
