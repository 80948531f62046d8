import SluiceCore
import SluiceDispatch

/// Watches what gathers for providers' batch lanes, and says when it goes.
struct LaneDesk {
    struct Order {
        var key: LaneGate.Key
        var lanes: [(lane: Job.Lane, jobs: Int)]
        var places: [Place]

        struct Place {
            var place: QueueDemand.Place
            var jobs: Int
            /// What a thousand tokens were expected to cost.
            var price: Int64
        }
    }

    fileprivate struct Gathering {
        var jobs = 0
        var slack: Duration?
        var places: [Order.Place] = []
    }

    /// Since when the first of each waits.
    private var since: [LaneGate.Key: MonotonicInstant] = [:]
    /// What has waited for company in vain: it goes another way, and so does what comes while any of it is there.
    private(set) var skipped: Set<LaneGate.Key> = []

    /// Looks at what waits; before it is planned.
    mutating func note(_ backlog: [LaneBacklog], policy: PolicySet, at now: Now) {
        let waiting = LaneGate(backlog, skipped: [], policy: policy, at: now.wall).waiting
        self.since = self.since.filter { waiting[$0.key] != nil }
        for key in waiting.keys where self.since[key] == nil { self.since[key] = now.monotonic }
        let since = self.since
        let alone = waiting.filter { key, group in
            let waited = since[key].map { now.monotonic - $0 } ?? .zero
            return waited >= BundleTerms.gathering(slack: group.slack) && !BundleTerms.accepts(jobs: group.jobs, slack: group.slack)
        }
        self.skipped = Set(alone.keys)
    }

    /// What goes now.
    mutating func orders(_ backlog: [LaneBacklog], _ plan: QueuePlan, live: LivePolicy, at now: Now) -> [Order] {
        let gatherings = self.gatherings(backlog, plan, live: live, at: now)
        var orders: [Order] = []
        for (key, gathering) in gatherings.sorted(by: { ($0.key.backend, $0.key.slack.rawValue) < ($1.key.backend, $1.key.slack.rawValue) }) {
            let first = self.since[key] ?? now.monotonic
            guard BundleTerms.isDue(jobs: gathering.jobs, waited: now.monotonic - first, slack: gathering.slack) else { continue }
            self.since[key] = nil
            orders.append(LaneDesk.order(key, gathering))
        }
        return orders
    }

    private func gatherings(_ backlog: [LaneBacklog], _ plan: QueuePlan, live: LivePolicy, at now: Now) -> [LaneGate.Key: Gathering] {
        let lanes = live.policy.backends.filter { $0.api.isBatchLane && LaneDesk.isOpen($0, live, at: now) }.map(\.index)
        guard !lanes.isEmpty else { return [:] }
        let gate = LaneGate(backlog, skipped: self.skipped, policy: live.policy, odds: plan.odds, at: now.wall)
        var gatherings: [LaneGate.Key: Gathering] = [:]
        for lane in backlog {
            guard let routes = plan.knownRoutes(of: lane.lane) else { continue }
            for bucket in lane.buckets where bucket.ready.jobs > 0 {
                let place = QueueDemand.Place(lane: lane.lane, bucket: bucket.at)
                let open = gate.open(routes, for: place).filter { !$0.isPromotion }
                let cheapest = open.flatMap { $0.prices.compactMap { $0 } }.min()
                for route in open where lanes.contains(route.backend) {
                    guard let price = route.prices[0], let key = gate.key(of: place, at: route.backend) else { continue }
                    let waiting = bucket.ready.jobs + bucket.held.jobs
                    let unplanned = price == cheapest ? max(0, waiting - plan.jobs(at: place)) : 0
                    let jobs = min(bucket.ready.jobs, plan.allowance(place, at: price) + unplanned)
                    guard jobs > 0 else { continue }
                    gatherings[key, default: Gathering()].add(.init(place: place, jobs: jobs, price: price), slack: gate.slack(of: place))
                    // Of two lanes that would do, the first one gets it.
                    break
                }
            }
        }
        return gatherings
    }

    private static func isOpen(_ backend: Backend, _ live: LivePolicy, at now: Now) -> Bool {
        if case .down(let until) = live.slots[backend.index].condition(isLater: true, at: now.monotonic).availability,
            until.map({ $0 > now.monotonic }) ?? true
        {
            return false
        }
        return backend.closed.map { !live.policy.calendar.isOpen($0, at: now.wall) } ?? true
    }

    /// The most urgent first, and no more than a bundle takes.
    private static func order(_ key: LaneGate.Key, _ gathering: Gathering) -> Order {
        var left = BundleTerms.mostLines
        var order = Order(key: key, lanes: [], places: [])
        for place in gathering.places.sorted(by: { $0.place.bucket < $1.place.bucket }) where left > 0 {
            var taken = place
            taken.jobs = min(left, place.jobs)
            left -= taken.jobs
            order.places.append(taken)
            if let index = order.lanes.firstIndex(where: { $0.lane == place.place.lane }) {
                order.lanes[index].jobs += taken.jobs
            } else {
                order.lanes.append((place.place.lane, taken.jobs))
            }
        }
        return order
    }
}

extension LaneDesk.Gathering {
    fileprivate mutating func add(_ place: LaneDesk.Order.Place, slack: Duration?) {
        self.jobs += place.jobs
        self.places.append(place)
        if let slack { self.slack = self.slack.map { min($0, slack) } ?? slack }
    }
}
