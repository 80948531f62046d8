/// How long what has ended on one lane took, by the hour of the week (UTC) in which it was handed over: a provider is not as busy in every hour.
package struct LaneEnds: Sendable {
    private static let hours: Int64 = 168

    /// By the hour of the week, the latest last.
    private var times: [Int64: [Duration]] = [:]

    package init() {}

    /// Adds one that ended after all that were added; of each hour of the week the last ``LaneCurve/mostEnds`` are kept.
    package mutating func add(_ took: Duration, begun: Timestamp) {
        let hour = LaneEnds.hour(of: begun)
        self.times[hour, default: []].append(took)
        if self.times[hour, default: []].count > LaneCurve.mostEnds { self.times[hour]?.removeFirst() }
    }

    /// Those that tell the most of what is handed over at `instant`: of its hour of the week, and of the hours around it as far as it takes to
    /// have ``LaneCurve/mostEnds``.
    package func near(_ instant: Timestamp) -> [Duration] {
        let hour = LaneEnds.hour(of: instant)
        var near = self.times[hour] ?? []
        for distance in 1...LaneEnds.hours / 2 where near.count < LaneCurve.mostEnds {
            let (before, after) = ((hour + LaneEnds.hours - distance) % LaneEnds.hours, (hour + distance) % LaneEnds.hours)
            near += self.times[before] ?? []
            if after != before { near += self.times[after] ?? [] }
        }
        return near
    }

    private static func hour(of instant: Timestamp) -> Int64 { instant.hour.milliseconds / 3_600_000 % self.hours }
}
