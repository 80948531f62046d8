import SluiceBatch
import SluiceCore
import SluiceDispatch
import SluicePolicy
import SluiceServer

/// A reload that somebody asks for.
struct PolicyReload: Sendable {
    let source: PolicySource
    let policy: PolicyInForce
    let deferral: Deferral
    let clock: SluiceClock

    /// - Parameter requeue: Work that waits gets the class that the policy has for it now.
    func run(requeue: Bool) async throws -> AdminAPI.Reloaded {
        let revision: String
        switch self.source.reload(at: self.clock.now.wall) {
        case .unchanged: revision = self.source.policy.revision
        case .replaced(let policy, _): revision = policy.revision
        case .refused(let refusal): throw Refusal(422, .invalidRequest, "\(refusal)")
        }
        guard requeue else { return AdminAPI.Reloaded(policy: revision, requeued: nil) }
        var requeue = Requeue(self.deferral, by: try await self.inForce(revision), at: self.clock.now.wall)
        return AdminAPI.Reloaded(policy: revision, requeued: try await requeue.run())
    }

    /// The follower puts a new policy in force a moment later.
    private func inForce(_ revision: String) async throws -> LivePolicy {
        for _ in 0..<500 {
            let live = self.policy.live
            if live.policy.revision == revision { return live }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Refusal(503, .noBackend, "the policy \(revision) is not in force, so nothing was requeued; the log says why")
    }
}
