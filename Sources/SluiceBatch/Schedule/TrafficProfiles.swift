import SluiceCore

/// What the ledger teaches of the weeks behind: how much live work each backend has hour by hour, and how much deferred work each class.
struct TrafficProfiles: Sendable {
    /// So far back.
    private static let past = Duration.seconds(28 * 86_400)

    private var live: [String: WeekProfile] = [:]
    private var deferred: [String: WeekProfile] = [:]

    /// Expects nothing.
    init() {}

    /// Reads the roll-ups; blocks for a read of the database.
    init(_ ledger: any Ledger, _ policy: PolicySet, at now: Timestamp) throws(StoreError) {
        let until = now.hour
        let rows = try ledger.rollups(since: until - TrafficProfiles.past, until: until, by: [.backend, .trafficClass, .hour])
        var (live, deferred): ([String: [Timestamp: Double]], [String: [Timestamp: Double]]) = ([:], [:])
        var first = until
        for row in rows {
            guard let hour = row.key[2].flatMap({ Timestamp(rfc3339: $0) }), let name = row.key[1], let trafficClass = policy.trafficClass(named: name) else {
                continue
            }
            let tokens = Double(row.measures.usage.prompt + row.measures.usage.generated)
            first = min(first, hour)
            switch trafficClass.serve {
            case .now: if let backend = row.key[0] { live[backend, default: [:]][hour, default: 0] += tokens }
            case .later: deferred[name, default: [:]][hour, default: 0] += tokens
            }
        }
        // Less than a day says nothing of the hours.
        guard until - first >= .seconds(86_400) else { return }
        self.live = live.mapValues { WeekProfile($0, since: first, until: until) }
        self.deferred = deferred.mapValues { WeekProfile($0, since: first, until: until) }
    }

    /// Tokens an hour that live work takes of a backend.
    func live(at backend: String) -> WeekProfile { self.live[backend] ?? WeekProfile() }

    /// Deferred work that has not come yet, of the next day: an hour of a class at a time.
    func expected(of policy: PolicySet, over horizon: PlanHorizon, _ routing: LaneRouting, models: [String: String]) -> [QueueDemand] {
        var demands: [QueueDemand] = []
        for (name, profile) in self.deferred {
            guard let trafficClass = policy.trafficClass(named: name), let deadline = trafficClass.deadline, let model = models[name] else { continue }
            let lane = Job.Lane(tenant: "", trafficClass: name, sentModel: model, endpoint: .chat, rung: 0)
            let routes = routing.routes(of: lane)
            for hour in 0..<24 {
                let opening = horizon.start + .seconds(Int64(hour) * 3600)
                let tokens = profile.amount(at: opening)
                guard tokens > 0 else { continue }
                let place = QueueDemand.Place(lane: lane, bucket: opening + deadline)
                demands.append(QueueDemand(place: place, jobs: 1, tokens: tokens, routes: routes, opening: opening))
            }
        }
        return demands
    }
}
