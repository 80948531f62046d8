/// Quantiles of durations that forget: a histogram of 64 steps from 1 ms to about half an hour, halved every half minute.
package struct LatencySketch: Sendable {
    private static let steps = 64
    /// In nanoseconds.
    private static let halfLife: Int64 = 30_000_000_000
    /// Less weight than this says nothing.
    package static let leastWeight = 3.0

    private var weights = [Double](repeating: 0, count: LatencySketch.steps)
    private var total = 0.0
    private var decayed: MonotonicInstant?

    package init() {}

    package mutating func record(_ duration: Duration, at now: MonotonicInstant) {
        self.decay(to: now)
        self.weights[LatencySketch.step(of: duration)] += 1
        self.total += 1
    }

    /// The duration that `fraction` of the calls stayed within; nil while fewer than `calls` are known, old ones counted in part.
    package func quantile(_ fraction: Double, of calls: Double = LatencySketch.leastWeight, at now: MonotonicInstant) -> Duration? {
        let factor = self.factor(at: now)
        guard self.total * factor >= calls else { return nil }
        var seen = 0.0
        for index in self.weights.indices {
            seen += self.weights[index]
            if seen >= self.total * fraction { return LatencySketch.duration(of: index) }
        }
        return nil
    }

    private func factor(at now: MonotonicInstant) -> Double {
        guard let decayed else { return 1 }
        let halvings = (now.nanoseconds - decayed.nanoseconds) / LatencySketch.halfLife
        return halvings > 60 ? 0 : 1 / Double(1 << max(0, halvings))
    }

    private mutating func decay(to now: MonotonicInstant) {
        guard let decayed else {
            self.decayed = now
            return
        }
        let halvings = (now.nanoseconds - decayed.nanoseconds) / LatencySketch.halfLife
        guard halvings > 0 else { return }
        let factor = self.factor(at: now)
        for index in self.weights.indices { self.weights[index] *= factor }
        self.total *= factor
        self.decayed = MonotonicInstant(nanoseconds: decayed.nanoseconds + LatencySketch.halfLife * halvings)
    }

    /// Four steps for each doubling, cut with integers: no logarithm on the hot path.
    private static func step(of duration: Duration) -> Int {
        let units = UInt64(max(1, duration.nanoseconds / 1_000_000)) * 4
        let exponent = 63 - units.leadingZeroBitCount
        return min(LatencySketch.steps - 1, (exponent - 2) * 4 + Int((units >> UInt64(exponent - 2)) & 3))
    }

    private static func duration(of step: Int) -> Duration {
        // The upper edge of the step.
        .microseconds(Int64(250 * (step % 4 + 5)) << Int64(step / 4))
    }
}
