import SluiceCore

/// A policy made by hand, small enough to be seen whole: backends that serve one model `chat`, pools and classes as a test wants them.
struct SamplePolicy {
    var parts = PolicySet.Parts()

    /// - Parameter prices: What each backend asks for a million tokens of either kind; nil for one without a price.
    init(prices: [String?]) {
        self.parts.tenants = [Tenant(index: 0, name: "default")]
        for price in prices {
            var backend = Backend(index: self.parts.backends.count, name: "b\(self.parts.backends.count)", api: .openai)
            backend.prices = .every(price.map { [SamplePolicy.card($0)] } ?? [])
            self.parts.backends.append(backend)
        }
        self.parts.models = [Model(index: 0, name: "chat", offers: prices.map { _ in Model.Offer(name: "own-chat") })]
        self.addPool(Array(prices.indices))
        self.addClass("live", .now)
        self.addRoute(to: 0)
    }

    var policy: PolicySet { PolicySet(self.parts) }

    @discardableResult
    mutating func addPool(_ backends: [Int], pick: Pool.Pick = .inOrder) -> Int {
        var pool = Pool(index: self.parts.pools.count, name: "p\(self.parts.pools.count)", backends: backends)
        pool.pick = pick
        self.parts.pools.append(pool)
        return pool.index
    }

    @discardableResult
    mutating func addClass(_ name: String, _ serve: TrafficClass.Serve, pools: [Int] = [0], _ change: (inout TrafficClass) -> Void = { _ in }) -> Int {
        var made = TrafficClass(index: self.parts.classes.count, name: name, serve: serve, pools: pools)
        change(&made)
        self.parts.classes.append(made)
        return made.index
    }

    /// A route before the others.
    mutating func putRoute(to trafficClass: Int, _ match: (inout RouteMatch) -> Void) {
        let last = self.parts.routes.removeLast()
        self.addRoute(to: trafficClass, match)
        self.addRoute(to: last.trafficClass)
    }

    private mutating func addRoute(to trafficClass: Int, _ change: (inout RouteMatch) -> Void = { _ in }) {
        var match = RouteMatch()
        change(&match)
        let place = SourcePlace(file: "policy.yaml", line: self.parts.routes.count + 1, column: 1)
        self.parts.routes.append(RouteRule(index: self.parts.routes.count, name: nil, match: match, trafficClass: trafficClass, place: place))
    }

    /// Makes another model, which every backend offers, and gives its index.
    @discardableResult
    mutating func addModel(_ name: String, _ change: (inout Model.Offer) -> Void = { _ in }) -> Int {
        var offer = Model.Offer(name: "own-\(name)")
        change(&offer)
        self.parts.models.append(Model(index: self.parts.models.count, name: name, offers: self.parts.backends.map { _ in offer }))
        return self.parts.models.count - 1
    }

    static func card(_ perMillion: String) -> RateCard {
        var prices = RateCard.Prices(repeating: nil)
        prices.input = TokenPrice(perMillion: perMillion)
        prices.output = TokenPrice(perMillion: perMillion)
        return RateCard(revision: perMillion, prices: prices)
    }

    // MARK: Moments

    /// A Monday, noon in UTC.
    static let noon = Timestamp(rfc3339: "2026-11-23T12:00:00Z") ?? .distantPast

    static func now(_ seconds: Double = 0) -> Now {
        Now(wall: noon + .milliseconds(Int64(seconds * 1000)), monotonic: instant(seconds))
    }

    static func instant(_ seconds: Double) -> MonotonicInstant { MonotonicInstant(nanoseconds: Int64(seconds * 1e9)) }
}
