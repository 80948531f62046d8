import SluiceBatch
import SluiceCore
import SluiceDispatch
import SluicePolicy
import SluiceSQLite
import SluiceServer
import Synchronization

/// The API keys of the store, and the ring that requests are checked against: a key that is made or revoked counts from the next request on.
struct KeyAccess {
    let ring: KeyRing
    private let store: SQLiteKeyStore

    init(_ database: SQLiteDatabase) throws(StoreError) {
        let ring = KeyRing()
        self.ring = ring
        self.store = SQLiteKeyStore(database) { ring.replace(with: KeyAccess.identities($0)) }
        ring.replace(with: KeyAccess.identities(try self.store.valid()))
    }

    private static func identities(_ keys: [APIKey]) -> [[UInt8]: KeyRing.Identity] {
        Dictionary(keys.map { ($0.hash, KeyRing.Identity(name: $0.name, tenant: $0.tenant)) }) { first, _ in first }
    }

    /// What the admin API asks of the rest of the program.
    func actions(
        source: PolicySource, ledger: SQLiteLedger, budgets: Budgets, clock: SluiceClock, reload: @escaping @Sendable (Bool) async throws -> AdminAPI.Reloaded
    ) -> AdminAPI.Actions {
        let store = self.store
        let corrector = LedgerCorrector(source: source, ledger: ledger, budgets: budgets, clock: clock)
        return AdminAPI.Actions(
            reload: reload,
            makeKey: { name, tenant in
                if let tenant, !source.policy.tenants.contains(where: { $0.name == tenant }) {
                    let near = NearName.best(for: tenant, among: source.policy.tenants.map(\.name))
                    throw Refusal.invalid("there is no tenant \(tenant.quotedForMessage)\(near.map { "; did you mean `\($0)`?" } ?? "")", param: "tenant")
                }
                let now = clock.now.wall
                do {
                    let key = try await withCheckedThrowingContinuation { waiting in store.make(name, tenant: tenant, at: now) { waiting.resume(with: $0) } }
                    return KeyListing.made(key, name: name, tenant: tenant, at: now)
                } catch let error as StoreError where error.code == .other {
                    throw Refusal(422, .invalidRequest, error.message, param: "name")
                }
            },
            listKeys: { KeyListing.json(try store.all()) },
            revokeKey: { name in
                let now = clock.now.wall
                return try await withCheckedThrowingContinuation { waiting in store.revoke(name, at: now) { waiting.resume(with: $0) } }
            },
            report: { by, since, until in
                guard let dimensions = RollupDimension.list(by ?? "") else {
                    throw Refusal.invalid(
                        "by names what cannot be grouped by; \(RollupDimension.allCases.map(\.rawValue).joined(separator: ", "))", param: "by")
                }
                func time(_ text: String?, _ name: String) throws(Refusal) -> Timestamp? {
                    guard let text else { return nil }
                    guard let instant = Timestamp(rfc3339: text) else { throw Refusal.invalid("\(name) is no RFC 3339 time", param: name) }
                    return instant
                }
                let currency = source.policy.currency
                return try Report(of: ledger, since: time(since, "since"), until: time(until, "until"), by: dimensions, currency: currency).json
            },
            payback: { try PaybackOutcome(of: ledger, policy: source.policy, currency: source.policy.currency, at: clock.now.wall).json },
            recompute: corrector.recompute, closeDoubts: corrector.close)
    }
}

/// Keys as `sluice keys` and `/api/keys` print them.
enum KeyListing {
    static func json(_ keys: [APIKey]) -> [UInt8] {
        var json = JSONFields(capacity: 1024)
        json.add("schema", "sluice.keys/v1")
        json.add("data", objects: keys.map(\.json))
        json.add("has_more", false)
        json.add("last_id", keys.last?.name)
        return json.object
    }

    /// The only place where a key is ever printed.
    static func made(_ key: String, name: String, tenant: String?, at created: Timestamp) -> [UInt8] {
        var json = JSONFields(capacity: 256)
        json.add("schema", "sluice.key/v1")
        json.add("name", name)
        json.add("tenant", tenant)
        json.add("key", key)
        json.add("created", created)
        return json.object
    }
}

/// A number that several threads add to.
final class Counter: Sendable {
    private let count = Atomic(0)

    var value: Int { self.count.load(ordering: .relaxed) }
    func add(_ amount: Int) { self.count.add(amount, ordering: .relaxed) }
}
