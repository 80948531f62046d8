/// What waits at one place of the queue: jobs of one lane that are about equally urgent.
package struct QueueDemand: Sendable {
    package struct Place: Hashable, Sendable {
        package var lane: Job.Lane
        /// As ``Job/bucket``.
        package var bucket: Timestamp

        package init(lane: Job.Lane, bucket: Timestamp) {
            self.lane = lane
            self.bucket = bucket
        }
    }

    package var place: Place
    package var jobs: Int
    package var tokens: Double
    package var routes: [LaneRoute]
    /// All routes of its lane, at their prices: ``routes`` has those that are for this place, at what they are expected to cost.
    package var laneRoutes: [LaneRoute]
    /// Not before; nil for what is here.
    package var opening: Timestamp?

    package init(place: Place, jobs: Int, tokens: Double, routes: [LaneRoute], of laneRoutes: [LaneRoute]? = nil, opening: Timestamp? = nil) {
        self.place = place
        self.jobs = jobs
        self.tokens = tokens
        self.routes = routes
        self.laneRoutes = laneRoutes ?? routes
        self.opening = opening
    }

    /// `deadline: none`: work for capacity that nobody else wants.
    package var isPatient: Bool { self.place.bucket == .distantFuture }

    /// What it costs more, a thousand tokens, not to have the cheapest place; nil where there is no other.
    var regret: Int64? {
        var (first, second) = (Int64.max, Int64.max)
        for price in self.routes.lazy.flatMap(\.prices).compactMap({ $0 }) {
            if price < first { (first, second) = (price, first) } else if price > first, price < second { second = price }
        }
        return second == .max ? nil : second - first
    }
}
