/// A limit per minute that is never exceeded in any minute: a ring of sixty seconds, each counted until it is wholly over.
package struct RateWindow: Sendable {
    package let limit: Int
    private var slots = [Int](repeating: 0, count: 61)
    private var current: Int64 = 0
    private var total = 0

    package init(limit: Int) {
        self.limit = limit
    }

    /// How long until `amount` more fit; nil where they fit now. What never fits alone is let through an empty window.
    package mutating func wait(for amount: Int, at now: MonotonicInstant) -> Duration? {
        self.advance(to: now)
        guard self.total > 0, self.total + amount > self.limit else { return nil }
        var freed = 0
        for age in stride(from: Int64(60), through: 0, by: -1) {
            let second = self.current - age
            freed += self.slots[self.slot(second)]
            if self.total - freed + amount <= self.limit || freed == self.total {
                return .nanoseconds((second + 61) * 1_000_000_000 - now.nanoseconds)
            }
        }
        return .seconds(61)
    }

    /// How much more fits now.
    package func left(at now: MonotonicInstant) -> Int {
        var window = self
        window.advance(to: now)
        return max(0, window.limit - window.total)
    }

    /// How long until nothing of what was taken counts any more.
    package func reset(at now: MonotonicInstant) -> Duration {
        var window = self
        window.advance(to: now)
        guard let newest = (0...60).first(where: { window.slots[window.slot(window.current - $0)] > 0 }) else { return .zero }
        return .nanoseconds((window.current - newest + 61) * 1_000_000_000 - now.nanoseconds)
    }

    package mutating func take(_ amount: Int, at now: MonotonicInstant) {
        self.advance(to: now)
        self.slots[self.slot(self.current)] += amount
        self.total += amount
    }

    /// Corrects what was taken as an estimate, once it is known what was used.
    ///
    /// More than was taken counts from now on, beyond the limit too: later ones wait for it. Less is given back where it still counts.
    ///
    /// - Parameters:
    ///   - difference: What was used beyond the estimate; negative where it was less.
    ///   - taken: When the estimate was taken.
    package mutating func correct(by difference: Int, takenAt taken: MonotonicInstant, at now: MonotonicInstant) {
        guard difference < 0 else { return difference == 0 ? () : self.take(difference, at: now) }
        self.advance(to: now)
        let second = taken.nanoseconds / 1_000_000_000
        guard second <= self.current, second >= self.current - 60 else { return }
        // After a reload with another limit the second may hold less than was taken in it.
        let back = min(-difference, self.slots[self.slot(second)])
        self.slots[self.slot(second)] -= back
        self.total -= back
    }

    private func slot(_ second: Int64) -> Int { Int(((second % 61) + 61) % 61) }

    private mutating func advance(to now: MonotonicInstant) {
        let second = now.nanoseconds / 1_000_000_000
        guard second > self.current else { return }
        for passed in max(self.current + 1, second - 60)...second {
            self.total -= self.slots[self.slot(passed)]
            self.slots[self.slot(passed)] = 0
        }
        self.current = second
    }
}
