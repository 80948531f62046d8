import SluiceCore
import SluiceDispatch

/// What must hold at every step and at the end, whatever happened: the promises of the dispatcher, said once more from outside.
struct Oracle {
    private struct Trial {
        var backend: Int
        var began: Duration
        var ended: Duration?
        var entry: LedgerEntry?
        var call: SimulatedCall?
    }

    private let policy: PolicySet
    private(set) var faults: [String] = []
    private var trials: [AttemptKey: Trial] = [:]
    private var attempts: [Int: Int] = [:]
    private var arrivals: [Int: Duration] = [:]
    private var alive: [Int]
    private var starts: [[Duration]]
    private var hedges: [Int: Int] = [:]
    private var requests: [Int: Int] = [:]
    private var sums = MoneySum.zero

    init(_ policy: PolicySet) {
        self.policy = policy
        self.alive = policy.backends.map { _ in 0 }
        self.starts = policy.backends.map { _ in [] }
    }

    mutating func fault(_ text: String) { self.faults.append(text) }

    mutating func arrived(_ client: SimulatedClient, at now: Duration) {
        self.arrivals[client.index] = now
        self.requests[client.trafficClass, default: 0] += 1
    }

    // MARK: Every attempt

    mutating func begins(
        _ key: AttemptKey, at backend: Int, of client: SimulatedClient, now: Duration, standing: [(budget: Budget, spent: MoneySum, reserved: MoneySum)]
    ) {
        let trafficClass = self.policy.classes[client.trafficClass]
        self.attempts[key.request, default: 0] += 1
        if self.attempts[key.request] != key.attempt { self.fault("\(key): it is number \(self.attempts[key.request] ?? 0)") }
        if key.attempt > 3 { self.fault("\(key): more than three") }
        if client.committedAt != nil { self.fault("\(key): after the commit point") }
        if client.ends > 0 || client.hasLeft { self.fault("\(key): nobody waits for it") }
        if let total = trafficClass.latency.total, let arrived = self.arrivals[key.request], now > arrived + total + .milliseconds(60) {
            self.fault("\(key): after its deadline")
        }
        let before = (1..<key.attempt).compactMap { self.trials[AttemptKey(request: key.request, attempt: $0)] }
        let open = before.count { $0.ended == nil }
        if open > (trafficClass.hedge == nil ? 0 : 1) { self.fault("\(key): \(open) others are under way") }
        if open > 0 { self.hedges[client.trafficClass, default: 0] += 1 }
        if before.contains(where: { $0.backend == backend }) { self.fault("\(key): at b\(backend) for a second time") }
        let ambiguous = before.count {
            $0.entry?.kind == .waste && [.unknown, .timeout, .truncated].contains($0.entry?.settlement?.outcome) && $0.entry?.settlement?.evidence == .inDoubt
        }
        if ambiguous > trafficClass.retryAmbiguous { self.fault("\(key): after \(ambiguous) that may have been carried out") }
        if self.policy.budgets.count == 1, let one = standing.first, (one.spent + one.reserved) > MoneySum(one.budget.limit) {
            // An attempt may cost more than was set aside for it, but none is authorised once the limit is reached.
            let own = one.spent + one.reserved - MoneySum(one.budget.limit)
            if own > MoneySum(one.budget.limit) { self.fault("\(key): beyond the budget by \(own.pico)") }
        }
        self.trials[key] = Trial(backend: backend, began: now)
    }

    mutating func started(_ call: SimulatedCall) {
        self.trials[call.key]?.call = call
        self.alive[call.backend] += 1
        self.starts[call.backend].append(call.started)
        if let limit = self.policy.backends[call.backend].limits.concurrent, self.alive[call.backend] > limit {
            self.fault("\(call.key): \(self.alive[call.backend]) calls at b\(call.backend), which takes \(limit)")
        }
        if let limit = self.policy.backends[call.backend].limits.requestsPerMinute {
            let recent = self.starts[call.backend].count { $0 > call.started - .seconds(60) }
            if recent > limit { self.fault("\(call.key): \(recent) calls at b\(call.backend) within a minute, which takes \(limit)") }
        }
    }

    mutating func ended(_ call: SimulatedCall, now: Duration) { self.alive[call.backend] -= 1 }

    mutating func ends(_ entry: LedgerEntry, of client: SimulatedClient, now: Duration) {
        let key = AttemptKey(request: client.index, attempt: entry.attempt ?? 0)
        guard let trial = self.trials[key] else { return self.fault("\(key): an end without a beginning") }
        if trial.entry != nil { self.fault("\(key): booked twice") }
        self.trials[key]?.entry = entry
        self.trials[key]?.ended = now
        guard let end = entry.settlement else { return self.fault("\(key): an end without a settlement") }
        if let amount = end.cost ?? end.costHigh { self.sums += amount }
    }

    // MARK: The end

    mutating func judge(
        clients: [SimulatedClient], inFlight: [Int], tenants: [Int], standing: [(budget: Budget, spent: MoneySum, reserved: MoneySum)], alive: [AttemptKey]
    ) {
        for client in clients { self.judge(client) }
        for (key, trial) in self.trials.sorted(by: { ($0.key.request, $0.key.attempt) < ($1.key.request, $1.key.attempt) }) { self.judge(key, trial) }
        if inFlight.contains(where: { $0 != 0 }) { self.fault("slots are held at the end: \(inFlight)") }
        if tenants.contains(where: { $0 != 0 }) { self.fault("places of tenants are held at the end: \(tenants)") }
        if !alive.isEmpty { self.fault("calls go on that nobody waits for: \(alive)") }
        for one in standing {
            if one.reserved != .zero { self.fault("\(one.reserved.pico) are set aside at the end") }
            if one.spent != self.sums { self.fault("the budget counts \(one.spent.pico), the books \(self.sums.pico)") }
        }
        // What nothing of which was sent asks nothing of a backend.
        let sent = self.trials.values.count { $0.call?.wasSent == true }
        if sent * 5 > clients.count * 6 + 50 { self.fault("\(sent) calls for \(clients.count) requests") }
        for (trafficClass, count) in self.hedges.sorted(by: { $0.key < $1.key }) {
            let share = self.policy.classes[trafficClass].hedge?.budget.millionths ?? 0
            if Int64(count) * 1_000_000 > Int64(self.requests[trafficClass] ?? 0) * share {
                self.fault("\(count) second attempts for \(self.requests[trafficClass] ?? 0) requests of class\(trafficClass)")
            }
        }
        self.judgeBreakers()
    }

    private mutating func judge(_ client: SimulatedClient) {
        if client.ends != (client.hasLeft ? 0 : 1) { self.fault("request \(client.index) was told \(client.ends) ends") }
        let own = self.trials.filter { $0.key.request == client.index }.values
        let whole = own.count { $0.entry?.settlement?.outcome == .ok }
        if whole > 1 { self.fault("request \(client.index): \(whole) attempts are booked as whole") }
        if client.isContent != (whole == 1) { self.fault("request \(client.index): told \(client.isContent), booked \(whole)") }
        guard let total = self.policy.classes[client.trafficClass].latency.total, let arrived = self.arrivals[client.index], let ended = client.endedAt else {
            return
        }
        // The dispatcher looks every 50 ms.
        if ended > arrived + total + .milliseconds(120) { self.fault("request \(client.index) ended \(ended - arrived) after it came, of \(total)") }
    }

    private mutating func judge(_ key: AttemptKey, _ trial: Trial) {
        guard let entry = trial.entry, let end = entry.settlement else { return self.fault("\(key): no end") }
        guard let call = trial.call else { return self.fault("\(key): booked, and never made") }
        let backend = self.policy.backends[trial.backend]
        guard let card = self.policy.card(for: "own", at: backend, on: entry.at), let truth = card.price(call.billed, tier: nil, window: .one)?.cost,
            let low = end.costLow, let high = end.costHigh
        else { return self.fault("\(key): no price") }
        let cost = call.billed == .zero ? .zero : truth
        if cost < low || cost > high {
            self.fault("\(key), \(end.outcome.rawValue): it cost \(cost.pico), the books say \(low.pico) to \(high.pico)")
        }
        if let booked = end.cost, booked != cost { self.fault("\(key): it cost \(cost.pico), the books say \(booked.pico)") }
        if entry.kind == .waste, end.outcome == .ok { self.fault("\(key): waste that went well") }
    }

    /// After five failures in a row a backend is asked once for each pause, or once a second where it is the last.
    private mutating func judgeBreakers() {
        for backend in self.policy.backends {
            let trials = self.trials.values.filter { $0.backend == backend.index && $0.call != nil }.sorted { $0.began < $1.began }
            var ends: [(at: Duration, isFailure: Bool)] = []
            for trial in trials {
                guard let ended = trial.ended, let entry = trial.entry, let end = entry.settlement else { continue }
                switch end.outcome {
                case .ok: ends.append((ended, false))
                case .upstreamError, .unknown: ends.append((ended, true))
                default: break
                }
            }
            guard !ends.contains(where: { !$0.isFailure }), ends.count >= 5, ends.count == trials.count else { continue }
            let opened = ends.map(\.at).sorted()[4]
            var last: Duration?
            for trial in trials where trial.began > opened {
                if let last, trial.began - last < .milliseconds(999) {
                    self.fault("b\(backend.index) fails always and is asked \(trial.began - last) after \(last)")
                }
                last = trial.began
            }
        }
    }
}
