import SluiceCore
import SluiceDispatch
import SluicePolicy
import SluiceSQLite
import SluiceServer
import Synchronization

/// The API keys of the store, and the ring that requests are checked against.
struct KeyAccess {
    let ring = KeyRing()

    init(_ database: SQLiteDatabase) throws {}

    func actions(source: PolicySource, ledger: SQLiteLedger, clock: SluiceClock) -> AdminAPI.Actions {
        AdminAPI.Actions(
            reload: {
                switch source.reload(at: clock.now.wall) {
                case .unchanged: .success(source.policy.revision)
                case .replaced(let policy, _): .success(policy.revision)
                case .refused(let refusal): .failure(Refusal(422, .invalidRequest, "\(refusal)"))
                }
            },
            makeKey: { _, _ in [] }, listKeys: { [] }, revokeKey: { _ in false }, report: { _, _, _ in [] })
    }
}

/// A number that several threads add to.
final class Counter: Sendable {
    private let count = Atomic(0)

    var value: Int { self.count.load(ordering: .relaxed) }
    func add(_ amount: Int) { self.count.add(amount, ordering: .relaxed) }
}
