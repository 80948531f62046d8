/// An instant on a clock that never jumps, in nanoseconds since an arbitrary origin: what time-outs, breakers and rate limits count in.
package struct MonotonicInstant: Hashable, Comparable, Sendable {
    package let nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    package static func < (a: MonotonicInstant, b: MonotonicInstant) -> Bool { a.nanoseconds < b.nanoseconds }
    package static func + (a: MonotonicInstant, b: Duration) -> MonotonicInstant {
        let (sum, overflow) = a.nanoseconds.addingReportingOverflow(b.nanoseconds)
        return MonotonicInstant(nanoseconds: overflow ? (b < .zero ? .min : .max) : sum)
    }
    package static func - (a: MonotonicInstant, b: Duration) -> MonotonicInstant { a + (.zero - b) }
    package static func - (a: MonotonicInstant, b: MonotonicInstant) -> Duration { .nanoseconds(a.nanoseconds - b.nanoseconds) }
}

/// Both clocks read at one moment. Decisions take it as an argument; only services read a clock.
package struct Now: Sendable {
    package let wall: Timestamp
    package let monotonic: MonotonicInstant

    package init(wall: Timestamp, monotonic: MonotonicInstant) {
        self.wall = wall
        self.monotonic = monotonic
    }
}

extension Duration {
    /// Whole nanoseconds; saturates at ±292 years.
    package var nanoseconds: Int64 { Int64(clamping: self.attoseconds / 1_000_000_000) }
}
