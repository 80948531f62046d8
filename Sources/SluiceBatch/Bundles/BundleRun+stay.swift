import Logging
import SluiceCore
import SluiceDispatch

/// Whether a bundle stays with its provider: something cheaper than what it would come to later may close before then (`queue.md` 10.3, 5a).
extension BundleRun {
    /// What it needs to know of a bundle for that.
    struct Stay {
        fileprivate static let pause = Duration.seconds(10)

        /// Which lanes of the queue its jobs are of; nil until it was looked at.
        fileprivate var lanes: [Job.Lane: Int]?
        fileprivate var nextLook = Timestamp.distantPast
    }

    /// Calls the bundle back where its jobs are expected to cost less elsewhere.
    mutating func callsBack(_ bundle: Bundle) async throws -> Bool {
        guard bundle.state == .open else { return false }
        self.keeper.history.opened(bundle)
        let now = self.now
        guard let pull = bundle.pullAt, pull > now, bundle.running > 0, self.stay.nextLook <= now else { return false }
        self.stay.nextLook = now + Stay.pause
        guard try await self.isBetterElsewhere(bundle, pull: pull, at: now) else { return false }
        let hedge = min(bundle.hedgeAt ?? .distantFuture, now + BundleTerms.cancelLag)
        try await self.keeper.stored { [id] in self.keeper.store.recall(id, at: now, hedge: hedge, then: $0) }
        self.keeper.logger.info(
            "a bundle is called back: what is cheap now will not be there when it is out of time",
            metadata: ["backend.name": "\(bundle.backend)", "bundle": "\(bundle.token)"])
        return true
    }

    private mutating func isBetterElsewhere(_ bundle: Bundle, pull: Timestamp, at now: Timestamp) async throws -> Bool {
        let policy = self.keeper.worker.policy.live.policy
        guard let backend = policy.backend(named: bundle.backend), let submitted = bundle.submitted else { return false }
        if self.stay.lanes == nil {
            let lines = try await self.keeper.read { [id] store throws(StoreError) in try store.lines(of: id) }
            self.stay.lanes = Dictionary(lines.lazy.filter(\.isCurrent).compactMap { $0.leased.map { ($0.job.lane, 1) } }, uniquingKeysWith: +)
        }
        let horizon = PlanHorizon(from: now)
        let routing = LaneRouting(policy, over: horizon)
        let odds = LaneOdds(self.keeper.history.curves(for: submitted, at: now), policy: policy, over: horizon)
        let parts = (self.stay.lanes ?? [:]).map { LaneOdds.Part(jobs: $1, routes: routing.routes(of: $0)) }
        return odds.isBetterElsewhere(parts, than: backend.index, age: now - submitted, pull: pull)
    }
}
