/// One whole policy, checked and with every name resolved to an index; never changed, only replaced.
///
/// Requests in flight keep the one they started with. The decoder of policies (`SluicePolicy`) is the only maker.
package final class PolicySet: Sendable {
    /// The first 12 hex digits of the SHA-256 over the effective policy.
    package let revision: String
    package let currency: String
    /// The zone of budget periods, and of windows that name none.
    package let zone: String
    package let rejectsUnpriced: Bool
    package let server: ServerSettings
    package let calendar: WindowCalendar
    /// The last one is `default`: any other valid key, and loopback clients while there is no key.
    package let tenants: [Tenant]
    package let backends: [Backend]
    package let models: [Model]
    /// The pools of the policy, then one for each backend under the backend's own name.
    package let pools: [Pool]
    package let classes: [TrafficClass]
    package let substitutions: [Substitution]
    package let budgets: [Budget]
    package let routes: [RouteRule]
    package let baseline: Baseline?
    package let tests: [PolicyTest]
    package let book: PriceBook

    /// By the index of the backend: what it costs by the clock; nil where it is paid by its prices.
    package let hardware: [HardwareCost?]

    private let modelIndex: [String: Int]
    private let classIndex: [String: Int]
    private let routeIndex: RouteIndex
    /// The endpoints that each backend serves, one bit each.
    private let served: [UInt64]
    /// By the index of the backend, a number made of its name, so that a prefix stays where it is when other backends come and go.
    package let homes: [UInt64]
    /// What backends charge for what they offer, by model and backend.
    private let cards: [[[SharedCard]]]
    /// Names of headers in lower case that a route looks at; the hot path keeps no others.
    package let matchedHeaders: Set<String>

    package init(_ parts: Parts) {
        self.revision = parts.revision
        self.currency = parts.currency
        self.zone = parts.zone
        self.rejectsUnpriced = parts.rejectsUnpriced
        self.server = parts.server
        self.calendar = WindowCalendar(named: parts.windows)
        self.tenants = parts.tenants
        self.backends = parts.backends
        self.hardware = parts.backends.map { [calendar] in HardwareCost($0, calendar: calendar) }
        self.models = parts.models
        self.pools = parts.pools
        self.classes = parts.classes
        self.substitutions = parts.substitutions
        self.budgets = parts.budgets
        self.routes = parts.routes
        self.baseline = parts.baseline
        self.tests = parts.tests
        self.book = parts.book
        self.modelIndex = Dictionary(uniqueKeysWithValues: parts.models.map { ($0.name, $0.index) })
        self.classIndex = Dictionary(uniqueKeysWithValues: parts.classes.map { ($0.name, $0.index) })
        self.routeIndex = RouteIndex(parts.routes)
        self.served = parts.backends.map { $0.endpoints.reduce(0) { $0 | 1 << UInt64($1.rawValue) } }
        self.homes = parts.backends.map { $0.name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } }
        self.cards = parts.models.map { model in
            parts.backends.map { backend in
                model.offers[backend.index].map { PolicySet.cards(for: $0.name, at: backend, in: parts.book).map(SharedCard.init) } ?? []
            }
        }
        self.matchedHeaders = parts.routes.reduce(into: []) { $0.formUnion($1.match.headerNames) }
    }

    /// What a policy is made of, for its one maker.
    package struct Parts {
        package var revision = ""
        package var currency = "USD"
        package var zone = "UTC"
        package var rejectsUnpriced = false
        package var server = ServerSettings()
        package var windows: [String: DispatchWindow] = [:]
        package var tenants: [Tenant] = []
        package var backends: [Backend] = []
        package var models: [Model] = []
        package var pools: [Pool] = []
        package var classes: [TrafficClass] = []
        package var substitutions: [Substitution] = []
        package var budgets: [Budget] = []
        package var routes: [RouteRule] = []
        package var baseline: Baseline?
        package var tests: [PolicyTest] = []
        package var book = PriceBook()

        package init() {}
    }

    package func model(named name: String) -> Model? {
        self.modelIndex[name].map { self.models[$0] }
    }

    package func trafficClass(named name: String) -> TrafficClass? {
        self.classIndex[name].map { self.classes[$0] }
    }

    /// The place in `routes` of the first that takes a request; nil where none does.
    package func route(for request: InferenceRequest) -> Int? { self.routeIndex.first(taking: request) }

    package func serves(_ endpoint: Endpoint, at backend: Int) -> Bool { self.served[backend] & 1 << UInt64(endpoint.rawValue) != 0 }

    /// Whether jobs of a class may go to a provider's batch lane.
    package func hasLane(for trafficClass: TrafficClass) -> Bool {
        trafficClass.pools.contains { self.pools[$0].backends.contains { self.backends[$0].api.isBatchLane } }
    }

    package func backend(named name: String) -> Backend? {
        self.backends.first { $0.name == name }
    }

    /// The tenant of a key: the one it was made for, else the first whose patterns its name fits, else `default`.
    package func tenant(ofKey name: String, madeFor tenant: String?) -> Tenant {
        if let tenant, let match = self.tenants.first(where: { $0.name == tenant }) { return match }
        return self.tenants.first { $0.terms.keys.contains { $0.matches(name) } } ?? self.defaultTenant
    }

    package var defaultTenant: Tenant {
        guard let tenant = self.tenants.last else { preconditionFailure("a policy has a tenant `default`") }
        return tenant
    }

    /// The rate card of a backend's own model in force at `instant`; nil where it is unpriced.
    package func card(for model: String, at backend: Backend, on instant: Timestamp) -> RateCard? {
        PolicySet.cards(for: model, at: backend, in: self.book).first { $0.isValid(at: instant) }
    }

    /// The rate card in force of what a backend offers of a model, both by their indices.
    package func card(ofModel model: Int, at backend: Int, on instant: Timestamp) -> SharedCard? {
        self.cards[model][backend].first { $0.card.isValid(at: instant) }
    }

    private static func cards(for model: String, at backend: Backend, in book: PriceBook) -> [RateCard] {
        var cards = backend.prices.cards(for: model, host: backend.url?.host, book: book)
        // A lane's card without the tier gives the lane's own prices.
        if let tier = backend.api.billedTier {
            for index in cards.indices where cards[index].tiers[tier] == nil { cards[index].tiers[tier] = RateCard.Tier() }
        }
        guard case .book = backend.prices else { return cards }
        return cards.map { $0.discounted(by: backend.discount) }
    }

    /// The factor of the card's first open window.
    package func windowFactor(of shared: SharedCard, at instant: Timestamp) -> PriceFactor {
        shared.hasWindows ? self.windowFactor(of: shared.card, at: instant) : .one
    }

    package func windowFactor(of card: RateCard, at instant: Timestamp) -> PriceFactor {
        card.windows.first { self.calendar.isOpen(.named($0.name), at: instant) }?.factor ?? .one
    }
}
