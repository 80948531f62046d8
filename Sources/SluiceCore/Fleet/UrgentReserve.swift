/// Room at a backend that is kept for more urgent calls: as many slots as they have lately needed at once. Without it the slots of the patient end
/// together, and an urgent request finds them all taken for the length of a call.
package struct UrgentReserve: Sendable {
    /// What was needed one to two of these ago still counts.
    private static let period = Duration.seconds(1)

    private struct Level {
        var urgency: Int
        var inFlight = 0
        /// The most at once in this period, and in the one before.
        var peak = 0
        var before = 0
        var since: MonotonicInstant

        mutating func turn(at now: MonotonicInstant) {
            let age = now - self.since
            guard age >= UrgentReserve.period else { return }
            self.before = age < UrgentReserve.period * 2 ? self.peak : self.inFlight
            self.peak = self.inFlight
            self.since = now
        }
    }

    private var levels: [Level] = []

    package init() {}

    package mutating func begin(_ urgency: Int, at now: MonotonicInstant) {
        let index = self.levels.firstIndex { $0.urgency == urgency } ?? self.levels.endIndex
        if index == self.levels.endIndex { self.levels.append(Level(urgency: urgency, since: now)) }
        self.levels[index].turn(at: now)
        self.levels[index].inFlight += 1
        self.levels[index].peak = max(self.levels[index].peak, self.levels[index].inFlight)
    }

    package mutating func end(_ urgency: Int) {
        guard let index = self.levels.firstIndex(where: { $0.urgency == urgency }) else { return }
        self.levels[index].inFlight -= 1
    }

    /// How many free slots a call of this urgency leaves to those before it: of `limit` half at most.
    package mutating func kept(from urgency: Int, of limit: Int, at now: MonotonicInstant) -> Int {
        var kept = 0
        for index in self.levels.indices where self.levels[index].urgency < urgency {
            self.levels[index].turn(at: now)
            kept += max(0, max(self.levels[index].peak, self.levels[index].before) - self.levels[index].inFlight)
        }
        return min(kept, limit / 2)
    }
}
