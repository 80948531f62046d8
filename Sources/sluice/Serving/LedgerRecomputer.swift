import NIOPosix
import SluiceCore
import SluiceDispatch
import SluicePolicy
import SluiceSQLite
import Synchronization

/// Recomputes the ledger of a running server by the policy that it serves, one time after another: two at once would correct twice.
final class LedgerRecomputer: Sendable {
    private let source: PolicySource
    private let ledger: SQLiteLedger
    private let clock: SluiceClock
    private let isAtIt = Mutex(false)

    init(source: PolicySource, ledger: SQLiteLedger, clock: SluiceClock) {
        self.source = source
        self.ledger = ledger
        self.clock = clock
    }

    /// nil while it is at it already.
    @Sendable func run(_ filter: LedgerFilter, isWritten: Bool) async throws -> [UInt8]? {
        let isFree = self.isAtIt.withLock { isAtIt in
            defer { isAtIt = true }
            return !isAtIt
        }
        guard isFree else { return nil }
        defer { self.isAtIt.withLock { $0 = false } }
        let (ledger, policy, now) = (self.ledger, self.source.policy, self.clock.now.wall)
        try await withCheckedThrowingContinuation { waiting in ledger.flush { waiting.resume(with: $0) } }
        return try await NIOThreadPool.singleton.runIfActive { () throws -> [UInt8] in
            var recomputation = Recomputation(policy: policy)
            if isWritten {
                try recomputation.run(over: ledger, filter, at: now) { entries throws(StoreError) in try ledger.commit(entries) }
            } else {
                try recomputation.run(over: ledger, filter, at: now)
            }
            return recomputation.json(isWritten: isWritten)
        }
    }
}
