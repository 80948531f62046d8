/// How many requests one event loop carries at once while it cannot keep up: additive increase, multiplicative decrease, by how late its own
/// clock ticks. All loops together are the limit of the process.
///
/// Urgent classes may fill it; each less urgent one stops a tenth earlier, but never below half, so that the least urgent is refused first.
package struct LoopLimit: Sendable {
    /// A tick that comes later than this means that work has piled up; twice in a row, so that a process that was stopped is no overload.
    private static let tooLate = Duration.milliseconds(250)
    private static let inTime = Duration.milliseconds(50)
    private static let least = 64

    private var value: Double?
    private var peak = 0.0
    private var wasLate = false

    package init() {}

    package var limit: Int? { self.value.map { Int($0) } }

    /// A tick of the loop.
    ///
    /// - Parameter lag: How much later it came than it should have.
    package mutating func tick(lag: Duration, underWay: Int) {
        defer { self.wasLate = lag > LoopLimit.tooLate }
        if lag > LoopLimit.tooLate {
            guard self.wasLate else { return }
            if self.value == nil { self.peak = Double(underWay) }
            self.value = max(Double(LoopLimit.least), min(self.value ?? .infinity, Double(underWay)) * 0.9)
        } else if lag < LoopLimit.inTime, let value = self.value {
            let next = value + max(1, value / 20)
            self.value = next > max(self.peak * 2, Double(LoopLimit.least * 2)) ? nil : next
        }
    }

    /// Whether one more request is carried.
    ///
    /// - Parameter rank: 0 for the most urgent class.
    package func admits(rank: Int, underWay: Int) -> Bool {
        guard let value = self.value else { return true }
        return Double(underWay) < value * max(0.5, 1 - 0.1 * Double(rank))
    }
}
