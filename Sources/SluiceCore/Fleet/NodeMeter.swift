/// The running cost of one node at work: each busy instant is shared evenly by the requests in flight at it.
///
/// Two sums run, of the full cost and of what would not be paid without work; what a request cost is their value at its end less that at its
/// start. A pure value; the node's slot guards it.
package struct NodeMeter: Sendable {
    /// Where the sums stood when a request began.
    package struct Mark: Hashable, Sendable {
        fileprivate var full: Int128
        fileprivate var marginal: Int128
    }

    /// What one request's time cost.
    package struct Share: Hashable, Sendable {
        /// With its part of purchase and rent.
        package var cost: Money
        /// What would not have been paid without it: energy.
        package var marginal: Money
    }

    /// One hour of the node.
    package struct Hour: Hashable, Sendable {
        package var busy = Duration.zero
        package var energy = MoneySum.zero

        package init() {}
    }

    private static let nanosecondsPerHour: Int128 = 3_600_000_000_000
    /// Prices may change at any second; they do at the quarter at most, and between two events none is looked at more often.
    private static let step: Int64 = 900_000

    package let startedAt: Timestamp
    private var cost: HardwareCost
    private var inFlight = 0
    private var last: MonotonicInstant
    /// In picodollars × nanoseconds per hour.
    private var full: Int128 = 0
    private var marginal: Int128 = 0
    /// Busy nanoseconds and energy in the same unit.
    private var hours: [Timestamp: (busy: Int64, energy: Int128)] = [:]

    package init(_ cost: HardwareCost, at now: Now) {
        self.cost = cost
        self.startedAt = now.wall
        self.last = now.monotonic
    }

    /// Other prices from now on.
    package mutating func adopt(_ cost: HardwareCost, at now: Now) {
        self.advance(to: now)
        self.cost = cost
    }

    package mutating func begin(at now: Now) -> Mark {
        self.advance(to: now)
        self.inFlight += 1
        return Mark(full: self.full, marginal: self.marginal)
    }

    /// What the time since then cost the request that began there.
    package mutating func share(since mark: Mark, at now: Now) -> Share {
        self.advance(to: now)
        func money(_ sum: Int128) -> Money { Money(pico: Int64(clamping: sum.dividedHalfEven(by: NodeMeter.nanosecondsPerHour))) }
        return Share(cost: money(self.full - mark.full), marginal: money(self.marginal - mark.marginal))
    }

    package mutating func end(at now: Now) {
        self.advance(to: now)
        self.inFlight = max(0, self.inFlight - 1)
    }

    /// What is known of an hour; those before it are forgotten.
    package mutating func takeHour(_ hour: Timestamp, at now: Now) -> Hour {
        self.advance(to: now)
        self.hours = self.hours.filter { $0.key >= hour }
        guard let known = self.hours[hour] else { return Hour() }
        var result = Hour()
        result.busy = .nanoseconds(known.busy)
        result.energy = MoneySum(pico: known.energy.dividedHalfEven(by: NodeMeter.nanosecondsPerHour))
        return result
    }

    private mutating func advance(to now: Now) {
        let passed = now.monotonic.nanoseconds - self.last.nanoseconds
        guard passed > 0 else { return }
        self.last = now.monotonic
        guard self.inFlight > 0 else { return }
        // The wall clock may have been set meanwhile: the time that passed ends now.
        var left = passed
        while left > 0 {
            let start = Timestamp(milliseconds: now.wall.milliseconds - left / 1_000_000)
            let edge = ((start.milliseconds - start.hour.milliseconds) / NodeMeter.step + 1) * NodeMeter.step + start.hour.milliseconds
            let part = min(left, max(1, edge - start.milliseconds) * 1_000_000)
            self.add(part, at: start)
            left -= part
        }
    }

    private mutating func add(_ nanoseconds: Int64, at instant: Timestamp) {
        let hour = self.cost.hour(at: instant)
        self.full += hour.full.pico * Int128(nanoseconds) / Int128(self.inFlight)
        self.marginal += hour.marginal.pico * Int128(nanoseconds) / Int128(self.inFlight)
        let known = self.hours[instant.hour] ?? (0, 0)
        self.hours[instant.hour] = (known.busy + nanoseconds, known.energy + hour.marginal.pico * Int128(nanoseconds))
    }
}
