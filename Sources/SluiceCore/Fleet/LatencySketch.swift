/// Quantiles of durations that forget: a histogram of 64 steps from 1 ms to about half an hour, halved every half minute.
package struct LatencySketch: Sendable {
    private static let steps = 64
    /// In nanoseconds.
    private static let halfLife: Int64 = 30_000_000_000
    /// Less weight than this says nothing.
    package static let leastWeight = 3.0

    /// A fraction that every request asks for.
    package enum Usual: Sendable {
        case half, nineOfTen, nineteenOfTwenty

        fileprivate var fraction: Double {
            switch self {
            case .half: 0.5
            case .nineOfTen: 0.9
            case .nineteenOfTwenty: 0.95
            }
        }
    }

    private var weights = [Double](repeating: 0, count: LatencySketch.steps)
    private var total = 0.0
    private var decayed: MonotonicInstant?
    /// Their steps, looked up again once a sixty-fourth of the weight has come since.
    private var usual = (half: 0, nineOfTen: 0, nineteenOfTwenty: 0)
    private var recordsUntilLook = 0.0

    package init() {}

    package mutating func record(_ duration: Duration, at now: MonotonicInstant) {
        self.decay(to: now)
        self.weights[LatencySketch.step(of: duration)] += 1
        self.total += 1
        self.recordsUntilLook -= 1
        if self.recordsUntilLook <= 0 { self.look() }
    }

    private mutating func look() {
        self.recordsUntilLook = self.total / 64
        self.usual = (self.step(of: .half), self.step(of: .nineOfTen), self.step(of: .nineteenOfTwenty))
    }

    private func step(of usual: Usual) -> Int { self.step(within: usual.fraction) ?? 0 }

    private func step(within fraction: Double) -> Int? {
        var seen = 0.0
        return self.weights.firstIndex { weight in
            seen += weight
            return seen >= self.total * fraction
        }
    }

    /// As ``quantile(_:of:at:)``; of many calls the last few may not count yet.
    package func quantile(_ usual: Usual, at now: MonotonicInstant) -> Duration? {
        guard self.total * self.factor(at: now) >= LatencySketch.leastWeight else { return nil }
        switch usual {
        case .half: return LatencySketch.duration(of: self.usual.half)
        case .nineOfTen: return LatencySketch.duration(of: self.usual.nineOfTen)
        case .nineteenOfTwenty: return LatencySketch.duration(of: self.usual.nineteenOfTwenty)
        }
    }

    /// The duration that `fraction` of the calls stayed within; nil while fewer than `calls` are known, old ones counted in part.
    package func quantile(_ fraction: Double, of calls: Double = LatencySketch.leastWeight, at now: MonotonicInstant) -> Duration? {
        let factor = self.factor(at: now)
        guard self.total * factor >= calls else { return nil }
        return self.step(within: fraction).map(LatencySketch.duration)
    }

    private func factor(at now: MonotonicInstant) -> Double {
        guard let decayed else { return 1 }
        let age = now.nanoseconds - decayed.nanoseconds
        guard age >= LatencySketch.halfLife else { return 1 }
        let halvings = age / LatencySketch.halfLife
        return halvings > 60 ? 0 : 1 / Double(1 << halvings)
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
        self.recordsUntilLook *= factor
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
