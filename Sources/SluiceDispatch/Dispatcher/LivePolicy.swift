package import NIOCore
package import SluiceCore
import Synchronization

/// A policy in force, with everything that calls need prepared once: slots, dialects, header lines with the keys.
///
/// Requests in flight keep the one they started with.
package final class LivePolicy: Sendable {
    package let policy: PolicySet
    package let classifier: Classifier
    package let planner: RoutePlanner
    let budgets: Budgets
    /// By the backend's index.
    package let slots: [BackendSlot]
    package let upstreams: [Upstream]
    /// Names of client headers, in lower case, that some backend wants besides the contract's list.
    package let forwarded: Set<String>

    /// By the class's index, how many classes are more urgent.
    let urgencies: [Int]
    /// Of those tenants that have limits.
    package let tenants: [String: TenantSlot]

    /// Names as headers spell them.
    let words: Words

    /// What is the same in every call to one backend.
    package final class Upstream: Sendable {
        package let backend: Backend
        package let url: BackendURL
        package let dialect: any Dialect
        /// Of a lane to which requests go in batches of the provider's own.
        package let batches: (any BatchDialect)?
        /// Header lines with the key and the policy's fixed headers, each with CR LF.
        package let fields: ByteBuffer
        package let kind: TransportKind
        /// Secrets that must not appear in anything that is passed on.
        package let secrets: [String]
        private let paths: [String]

        package init(
            backend: Backend, url: BackendURL, dialect: any Dialect, batches: (any BatchDialect)? = nil, fields: ByteBuffer, kind: TransportKind,
            secrets: [String]
        ) {
            self.backend = backend
            self.url = url
            self.dialect = dialect
            self.batches = batches
            self.fields = fields
            self.kind = kind
            self.secrets = secrets
            self.paths = Endpoint.allCases.map { url.path(of: $0) }
        }

        func path(of endpoint: Endpoint) -> String { self.paths[endpoint.rawValue] }
    }

    package enum TransportKind: Sendable {
        case plain, secure, simulated
    }

    package init(policy: PolicySet, fleet: BackendFleet, budgets: Budgets, upstreams: [Upstream]) {
        self.policy = policy
        self.budgets = budgets
        self.classifier = Classifier(policy: policy)
        self.planner = RoutePlanner(policy: policy)
        self.slots = fleet.adopt(policy)
        self.upstreams = upstreams
        self.urgencies = policy.classes.map { one in policy.classes.count { $0.isMoreUrgent(than: one) } }
        self.tenants = fleet.adoptTenants(of: policy)
        self.words = Words(policy)
        self.forwarded = policy.backends.reduce(into: []) { $0.formUnion($1.forward) }
    }

    /// What a request would cost where it is sent first, with nothing in the way; nil where that has no price.
    package func estimate(_ request: InferenceRequest, _ decision: Decision, at instant: Timestamp) -> Money? {
        let now = Now(wall: instant, monotonic: .init(nanoseconds: 0))
        return self.planner.plan(request, decision, at: now, chance: 0) { _ in BackendCondition() }.candidates.first?.estimatedCost
    }

    /// Decides the class of a request, with what budgets make of it now.
    ///
    /// - Throws: The refusal that the client gets.
    package func classify(_ request: InferenceRequest, tenant: Tenant, at now: Timestamp) throws(Refusal) -> Decision {
        guard !self.policy.budgets.isEmpty else { return try self.classifier.classify(request, tenant: tenant, at: now) }
        let spender = Spender(tenant: tenant.name, key: request.key, tags: request.tags)
        return try self.classifier.classify(request, tenant: tenant, at: now, downgrades: self.budgets.downgrades(of: spender, at: now))
    }
}

/// The policy in force now; replaced whole at a reload.
package final class PolicyInForce: Sendable {
    private let current: Mutex<LivePolicy>

    package init(_ live: LivePolicy) {
        self.current = Mutex(live)
    }

    package var live: LivePolicy { self.current.withLock { $0 } }

    package func replace(with live: LivePolicy) {
        self.current.withLock { $0 = live }
    }
}

/// The transports of one kind of traffic; live and deferred work have a set each.
package struct TransportSet: Sendable {
    package var plain: any Transport
    package var secure: any Transport
    package var simulated: any Transport

    package init(plain: any Transport, secure: any Transport, simulated: any Transport) {
        self.plain = plain
        self.secure = secure
        self.simulated = simulated
    }

    package subscript(kind: LivePolicy.TransportKind) -> any Transport {
        switch kind {
        case .plain: self.plain
        case .secure: self.secure
        case .simulated: self.simulated
        }
    }
}

/// Reads both clocks. Services hold one; tests and the demo give another.
package struct SluiceClock: Sendable {
    private let read: @Sendable () -> Now

    package init(_ read: @escaping @Sendable () -> Now) {
        self.read = read
    }

    package var now: Now { self.read() }
}
