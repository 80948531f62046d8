/// What deferred work may have of one backend, step by step of the horizon.
package struct BackendSupply: Sendable {
    /// Tokens of requests and answers, by step.
    package var tokens: [Double]
    /// How long a call there takes with a margin: it must begin that much before its deadline.
    package var longCall: Duration

    package init(tokens: [Double], longCall: Duration) {
        self.tokens = tokens
        self.longCall = longCall
    }

    /// What is expected of a backend.
    package struct Forecast: Sendable {
        package var condition: BackendCondition
        /// Slots that deferred work may hold when nobody else is there.
        package var slots: Int
        /// Tokens a second in one slot; nil while nothing was measured.
        package var pace: Double?
        /// Tokens an hour of live work.
        package var live: WeekProfile
        /// When an unavailable backend is looked for again, on the wall clock.
        package var downUntil: Timestamp?

        package init(condition: BackendCondition, slots: Int, pace: Double?, live: WeekProfile) {
            self.condition = condition
            self.slots = slots
            self.pace = pace
            self.live = live
        }
    }

    /// Before anything was measured a slot is thought to be quick: what waits for it is moved in time once it is seen to be slow.
    package static let usualPace = 200.0

    package init(of backend: Backend, _ forecast: Forecast, calendar: WindowCalendar, over horizon: PlanHorizon) {
        let perSlot = max(forecast.pace ?? BackendSupply.usualPace, 0.01)
        let open = BackendSupply.open(backend, calendar, over: horizon)
        self.tokens = horizon.steps.map { step in
            if let down = forecast.downUntil, horizon.edges[step] < down { return 0 }
            let live = forecast.live.amount(at: horizon.middle(of: step)) / 3600
            var rate = max(Double(forecast.slots) * perSlot - live, 0)
            if let limit = backend.limits.tokensPerMinute { rate = min(rate, max(Double(limit) / 60 - live, 0)) }
            return rate * open[step] * horizon.seconds(of: step)
        }
        self.longCall = min(max(forecast.condition.slotTimeLong ?? .seconds(30), .milliseconds(500)), .seconds(3600))
    }

    /// What a provider's batch lane may have: as much as there is, for work that has an hour or a quarter of its time.
    package init(ofLane backend: Backend, downUntil: Timestamp?, calendar: WindowCalendar, over horizon: PlanHorizon) {
        let open = BackendSupply.open(backend, calendar, over: horizon)
        self.tokens = horizon.steps.map { step in
            if let downUntil, horizon.edges[step] < downUntil { return 0 }
            return BackendSupply.lanePace * open[step] * horizon.seconds(of: step)
        }
        self.longCall = .seconds(3600)
    }

    /// Tokens a second of a lane: more than anybody has.
    private static let lanePace = 1e9

    private static func open(_ backend: Backend, _ calendar: WindowCalendar, over horizon: PlanHorizon) -> [Double] {
        let span = horizon.start..<horizon.end
        var open = [Double](repeating: 1, count: horizon.steps.count)
        if let rented = backend.rented?.when { open = horizon.shares(in: calendar.intervals(of: rented, in: span)) }
        guard let closed = backend.closed else { return open }
        let shut = horizon.shares(in: calendar.intervals(of: closed, in: span))
        return zip(open, shut).map { max(0, $0 - $1) }
    }
}
