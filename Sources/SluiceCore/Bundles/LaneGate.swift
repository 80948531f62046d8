/// Tells which places of the queue are for which provider's batch lane now: enough jobs together, or enough time (`queue.md` 10.6).
package struct LaneGate: Sendable {
    /// What may share a bundle.
    package struct Key: Hashable, Sendable {
        package var backend: Int
        /// The backend's own name.
        package var model: String
        package var endpoint: Endpoint
        package var slack: SlackClass
    }

    /// Jobs that are ready, and how soon the most urgent of them must be on its way.
    package struct Waiting: Sendable {
        package var jobs = 0
        package var slack: Duration?
    }

    private let policy: PolicySet
    private let now: Timestamp
    private let skipped: Set<Key>
    private let odds: LaneOdds?
    package private(set) var waiting: [Key: Waiting] = [:]

    /// - Parameters:
    ///   - skipped: What has waited for company long enough, in vain.
    ///   - odds: What lanes are expected to cost; nil for their price.
    package init(_ backlog: [LaneBacklog], skipped: Set<Key>, policy: PolicySet, odds: LaneOdds? = nil, at now: Timestamp) {
        self.policy = policy
        self.now = now
        self.skipped = skipped
        self.odds = odds
        let lanes = policy.backends.filter(\.api.isBatchLane).map(\.index)
        guard !lanes.isEmpty else { return }
        for lane in backlog where lane.lane.rung == 0 {
            for bucket in lane.buckets {
                let place = QueueDemand.Place(lane: lane.lane, bucket: bucket.at)
                for backend in lanes where bucket.ready.jobs > 0 {
                    guard let key = self.key(of: place, at: backend) else { continue }
                    let slack = [self.waiting[key]?.slack, self.slack(of: place)].compactMap { $0 }.min()
                    self.waiting[key] = Waiting(jobs: (self.waiting[key]?.jobs ?? 0) + bucket.ready.jobs, slack: slack)
                }
            }
        }
    }

    /// Which bundle jobs of a place would go to; nil where the backend is not for them at all.
    package func key(of place: QueueDemand.Place, at backend: Int) -> Key? {
        guard place.lane.rung == 0, let trafficClass = self.policy.trafficClass(named: place.lane.trafficClass),
            trafficClass.pools.contains(where: { self.policy.pools[$0].backends.contains(backend) }),
            let offer = self.policy.model(named: place.lane.sentModel)?.offers[backend]
        else { return nil }
        return Key(backend: backend, model: offer.name, endpoint: place.lane.endpoint, slack: SlackClass(self.slack(of: place)))
    }

    /// How long until jobs of a place must be elsewhere or done; nil where they have all the time.
    package func slack(of place: QueueDemand.Place) -> Duration? { self.slack(of: place, at: self.now) }

    private func slack(of place: QueueDemand.Place, at now: Timestamp) -> Duration? {
        guard place.bucket != .distantFuture else { return nil }
        let left = place.bucket - now
        guard let promote = self.policy.trafficClass(named: place.lane.trafficClass)?.promote else { return left }
        return left - min(promote.beforeDeadline, .milliseconds(left.milliseconds / 2))
    }

    package func accepts(_ place: QueueDemand.Place, at backend: Int) -> Bool {
        guard let key = self.key(of: place, at: backend) else { return false }
        let slack = self.slack(of: place)
        if BundleTerms.accepts(jobs: self.waiting[key]?.jobs ?? 0, slack: slack) { return true }
        // There is still time for others to come.
        return !self.skipped.contains(key) && slack.map { $0 > .zero } ?? true
    }

    /// Without the lanes that are not for jobs of the place now, and the others at what they are expected to cost.
    package func open(_ routes: [LaneRoute], for place: QueueDemand.Place) -> [LaneRoute] {
        let open = routes.filter { !self.policy.backends[$0.backend].api.isBatchLane || self.accepts(place, at: $0.backend) }
        guard let odds, place.bucket != .distantFuture else { return open }
        let limit = self.slack(of: place, at: odds.start).map { odds.start + $0 }
        let recall = BundleTerms.recall(promotion: limit, deadline: place.bucket, hasFallback: true, at: odds.start)
        return recall.map { odds.expected(open, pull: $0.pull) } ?? open
    }
}
