import Logging
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
    let secrets: Secrets

    func run() async throws {
        for await new in self.source.newPolicies().cancelOnGracefulShutdown() {
            do throws(Secrets.Missing) {
                self.policy.replace(with: try LivePolicy(new, fleet: self.fleet, secrets: self.secrets))
            } catch {
                Logger.current.error("policy not put in force, the old one stays", metadata: ["policy.reason": "\(error)"])
            }
        }
    }
}

/// Erases answers and bodies of finished deferred work when their time is over.
struct RetentionSweep: Service {
    let jobs: SQLiteJobStore
    let policy: PolicyInForce
    let clock: SluiceClock

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let now = self.clock.now.wall
                let retention = self.policy.live.policy.server.retention
                let (results, prompts) = (retention.results.map { now - $0 }, retention.prompts.map { now - $0 })
                _ = try? await withCheckedThrowingContinuation { waiting in
                    self.jobs.sweep(results: results, prompts: prompts, at: now) { waiting.resume(with: $0) }
                }
                try? await Task.sleep(for: .seconds(30))
            }
        }
    }
}
