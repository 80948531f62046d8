import SluiceCore
import SluiceDispatch

/// What the scheduler remembers from look to look: its plan, whose turn it is, and what the ledger taught.
struct LeaseDesk {
    private static let mostLeasedAtOnce = 256
    /// A plan is made again after this, or when it does not know what waits; an idle queue's for the quotes of those to come.
    private static let lifeOfPlan = Duration.seconds(1)
    private static let lifeOfIdlePlan = Duration.seconds(10)
    /// However many lanes come and go, planning must not take more than its share of the time.
    private static let pauseBetweenPlans = Duration.milliseconds(20)
    private static let manyPlaces = 64

    /// Jobs of a lane to be leased, and where they may go.
    struct Order {
        var lane: Job.Lane
        var jobs: Int
        var tiers: [[Int]]
    }

    private(set) var plan = QueuePlan([], supplies: [], over: PlanHorizon(from: .distantPast))
    private(set) var profiles = TrafficProfiles()
    private var planned: MonotonicInstant?
    private var learnt: Timestamp?
    private var ticked: MonotonicInstant?
    private var memory = LeaseRound.Memory()
    private var lanes = LaneDesk()
    private var tokens = RequestIDs()

    mutating func isTick(_ now: Now, every tick: Duration) -> Bool {
        if let ticked, now.monotonic - ticked < tick { return false }
        self.ticked = now.monotonic
        return true
    }

    func profilesAge(at now: Timestamp) -> Duration { self.learnt.map { now - $0 } ?? .seconds(1 << 40) }

    mutating func adopt(_ profiles: TrafficProfiles, at now: Timestamp) {
        self.profiles = profiles
        self.learnt = now
    }

    func needsPlan(for backlog: [LaneBacklog], at now: MonotonicInstant) -> Bool {
        guard let planned else { return true }
        let age = now - planned
        let places = backlog.reduce(0) { $0 + $1.buckets.count }
        guard age >= (places > LeaseDesk.manyPlaces ? LeaseDesk.pauseBetweenPlans * 10 : LeaseDesk.pauseBetweenPlans) else { return false }
        guard age < (backlog.isEmpty ? LeaseDesk.lifeOfIdlePlan : LeaseDesk.lifeOfPlan) else { return true }
        return backlog.contains { lane in
            self.plan.knownRoutes(of: lane.lane) == nil
                || lane.buckets.contains { $0.ready.jobs + $0.held.jobs > self.plan.jobs(at: .init(lane: lane.lane, bucket: $0.at)) }
        }
    }

    mutating func adopt(_ plan: QueuePlan, at now: MonotonicInstant) {
        self.plan = plan
        self.planned = now
    }

    /// What goes now.
    mutating func orders(_ backlog: [LaneBacklog], _ planner: QueuePlanner) -> [Order] {
        let candidates = planner.candidates(backlog, self.plan)
        guard !candidates.isEmpty else { return [] }
        var room: [Int: Int] = [:]
        for backend in candidates.flatMap({ $0.tiers.flatMap(\.backends) }) where room[backend] == nil { room[backend] = planner.room(at: backend) }
        self.memory.forget(except: Set(candidates.map(\.place.lane)))
        var orders: [Order] = []
        for grant in LeaseRound.grants(candidates, room: room, most: LeaseDesk.mostLeasedAtOnce, &self.memory) {
            if let backend = grant.tiers.first?.first, let routes = self.plan.knownRoutes(of: grant.place.lane) {
                self.plan.take(grant.jobs, from: grant.place, at: QueuePlanner.price(of: backend, in: routes))
            }
            if let index = orders.firstIndex(where: { $0.lane == grant.place.lane && $0.tiers == grant.tiers }) {
                orders[index].jobs += grant.jobs
            } else {
                orders.append(Order(lane: grant.place.lane, jobs: grant.jobs, tiers: grant.tiers))
            }
        }
        return orders
    }

    // MARK: Providers' batches

    mutating func noteLanes(_ backlog: [LaneBacklog], _ policy: PolicySet, at now: Now) { self.lanes.note(backlog, policy: policy, at: now) }
    var skippedLanes: Set<LaneGate.Key> { self.lanes.skipped }

    /// What has gathered long enough to go to a provider.
    mutating func bundles(_ backlog: [LaneBacklog], _ live: LivePolicy, at now: Now) -> [LaneDesk.Order] {
        self.lanes.orders(backlog, self.plan, live: live, at: now)
    }

    mutating func nextToken(at now: Timestamp) -> String { self.tokens.next("", at: now.milliseconds) }

    mutating func noteBundled(_ order: LaneDesk.Order) {
        for place in order.places { self.plan.take(place.jobs, from: place.place, at: place.price) }
    }
}
