import Logging
import NIOPosix
import ServiceLifecycle
import SluiceCore
import SluiceDispatch
import SluicePolicy
import SluiceSQLite

/// Puts each new policy in force: requests in flight keep the one they started with.
struct PolicyFollower: Service {
    let source: PolicySource
    let policy: PolicyInForce
    let fleet: BackendFleet
    let budgets: Budgets
    let ledger: SQLiteLedger
    let secrets: Secrets
    let clock: SluiceClock

    func run() async throws {
        for await new in self.source.newPolicies().cancelOnGracefulShutdown() {
            do {
                let live = try LivePolicy(new, fleet: self.fleet, budgets: self.budgets, secrets: self.secrets)
                let gaps = self.budgets.adopt(new, at: self.clock.now.wall, isFirst: false)
                self.policy.replace(with: live)
                try? await self.fill(gaps, currency: new.currency)
            } catch {
                Logger.current.error("policy not put in force, the old one stays", metadata: ["policy.reason": "\(error)"])
            }
        }
    }

    /// Sums what new budgets have spent already; what is settled meanwhile is counted beside it.
    private func fill(_ gaps: [BudgetBook.Gap], currency: String) async throws {
        guard !gaps.isEmpty else { return }
        let (ledger, budgets) = (self.ledger, self.budgets)
        do {
            try await withCheckedThrowingContinuation { waiting in ledger.flush { waiting.resume(with: $0) } }
            try await NIOThreadPool.singleton.runIfActive {
                for gap in gaps { budgets.fill(gap, with: try gap.spent(in: ledger, currency: currency)) }
            }
        } catch {
            Logger.current.error("new budgets do not know what was spent before the reload", metadata: ["reason": "\(error)"])
        }
    }
}
