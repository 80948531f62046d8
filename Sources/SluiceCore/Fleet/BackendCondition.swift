/// What is known of one backend at a moment, as far as planning needs it.
package struct BackendCondition: Hashable, Sendable {
    package enum Availability: Hashable, Sendable {
        case up
        /// Its breaker is open, or it named a time before which it wants no call; nil while nobody knows until when.
        case down(until: MonotonicInstant?)
    }

    package var availability = Availability.up
    package var inFlight = 0
    package var limit: Int?
    /// Requests that wait for room there.
    package var waiting = 0
    /// What nine of ten recent calls stayed within; nil while too little is known.
    package var firstToken: Duration?
    /// The median.
    package var firstTokenMedian: Duration?
    /// What nineteen of twenty calls stayed within.
    package var firstTokenLong: Duration?
    /// How long a slot is held, on the median.
    package var slotTime: Duration?
    /// What nineteen of twenty calls stayed within.
    package var slotTimeLong: Duration?

    /// What its limits per minute still let through; nil where it has none.
    package var requestsLeft: Int?
    package var tokensLeft: Int?

    package init() {}

    /// The first token of a request that is sent now, its wait for a slot included.
    package var predictedFirstToken: Duration? {
        guard let firstToken else { return nil }
        guard let limit, self.inFlight >= limit, let slotTime else { return firstToken }
        return firstToken + slotTime * (self.waiting + 1) / max(1, limit)
    }

    /// How long a request that is sent now waits for a slot.
    package var predictedWait: Duration {
        // Nobody knows when a limit per minute opens again: within that minute.
        if self.requestsLeft == 0 || self.tokensLeft == 0 { return .seconds(60) }
        guard let limit, self.inFlight >= limit else { return .zero }
        return (self.slotTime ?? RoutePlanner.usualWork) * (self.waiting + 1) / max(1, limit)
    }

    /// In flight over the limit; a backend without one counts by its calls alone.
    package var load: Double { Double(self.inFlight) / Double(self.limit ?? 1024) }

    package var hasRoom: Bool { self.limit.map { self.inFlight < $0 } ?? true }
}
