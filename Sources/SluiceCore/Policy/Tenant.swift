/// Whose request it is: a team, an application, a customer. Its requests share it, since what is agreed with it is large.
package final class Tenant: Sendable {
    /// What is agreed with it.
    package struct Terms: Sendable {
        /// Patterns of key names.
        package var keys: [Glob] = []
        /// nil allows every model.
        package var models: [Glob]?
        /// The classes that its clients may ask for although the route gives a more patient one; nil allows all.
        package var classes: Set<Int>? = []
        package var limits = Backend.Limits()
        /// Its share within a bucket of the queue.
        package var weight = 1
        package var zone: String?
        package var retention: Retention?
        package var costCenter: String?

        package init() {}
    }

    package let index: Int
    package let name: String
    package let terms: Terms

    package init(index: Int, name: String, terms: Terms = Terms()) {
        self.index = index
        self.name = name
        self.terms = terms
    }

    package func mayUse(model: String) -> Bool {
        self.terms.models?.contains { $0.matches(model) } ?? true
    }
}

/// How long things are kept; nil is forever.
package struct Retention: Hashable, Sendable {
    package var requests: Duration?
    package var results: Duration? = .seconds(30 * 86_400)
    /// Bodies of finished deferred work.
    package var prompts: Duration? = .seconds(30 * 86_400)
    package var rollups: Duration?

    package init() {}
}

/// A limit on spending.
package struct Budget: Sendable {
    package enum Scope: Hashable, Sendable {
        case all, tenant(Glob), key(Glob), tag(name: String, value: Glob)
        /// What a class spends outside its first pool (`spill:` of a class).
        case beyond(pool: String, trafficClass: String)
    }

    package enum Period: String, Sendable, CaseIterable {
        case day, month
    }

    package enum Action: Hashable, Sendable {
        case warn, reject
        /// To the class of this index.
        case downgrade(Int)
    }

    package let index: Int
    package let name: String
    package var scope: Scope
    package var limit: Money
    package var period: Period
    /// In rising order of the share of the limit.
    package var thresholds: [(share: PriceFactor, action: Action)]

    package init(index: Int, name: String, scope: Scope, limit: Money, period: Period, thresholds: [(share: PriceFactor, action: Action)]) {
        self.index = index
        self.name = name
        self.scope = scope
        self.limit = limit
        self.period = period
        self.thresholds = thresholds
    }

    /// Made of a class's `spill`, and no entry of `budgets:`.
    package var isOfSpill: Bool { if case .beyond = self.scope { true } else { false } }
}

/// What savings are measured against.
package struct Baseline: Hashable, Sendable {
    package enum ModelChoice: Hashable, Sendable {
        case requested
        /// The index of the model.
        case fixed(Int)
    }

    package var backend: Int
    package var model: ModelChoice
    /// Cached tokens count as plain input: a declared assumption.
    package var ignoresCache: Bool

    package init(backend: Int, model: ModelChoice, ignoresCache: Bool) {
        self.backend = backend
        self.model = model
        self.ignoresCache = ignoresCache
    }
}
