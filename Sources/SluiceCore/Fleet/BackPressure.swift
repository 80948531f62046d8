/// How many calls a backend gets at once after it has said that it has too much: additive increase, multiplicative decrease.
///
/// A backend that never complains has no such limit. One that does (429, 503, 529, no first token in time) gets nine tenths of what it
/// had, once for each time that a call takes; then a tenth more for two rounds of calls in which all goes well, until it holds twice what it
/// once could not.
package struct BackPressure: Sendable {
    private var value: Double?
    /// What was in flight at the first complaint.
    private var peak = 0.0
    private var cutUntil: MonotonicInstant?
    /// Calls that went well since the last change.
    private var wentWell = 0

    package init() {}

    package var limit: Int? { self.value.map { max(1, Int($0)) } }

    /// - Parameters:
    ///   - inFlight: Calls there, the one that complained included.
    ///   - call: How long a call takes: what was sent before the cut may still come back refused.
    package mutating func complain(inFlight: Int, call: Duration, at now: MonotonicInstant) {
        self.wentWell = 0
        if let until = self.cutUntil, until > now { return }
        self.cutUntil = now + min(max(call, .milliseconds(200)), .seconds(10))
        if self.value == nil { self.peak = Double(max(1, inFlight)) }
        self.value = max(1, min(self.value ?? .infinity, Double(max(1, inFlight))) * 0.9)
    }

    /// - Parameter inFlight: Calls there, the one that went well included: a limit that is not used up is not tried.
    package mutating func succeed(inFlight: Int) {
        guard let value = self.value, Double(inFlight) >= value * 0.8 else { return }
        self.wentWell += 1
        guard Double(self.wentWell) >= value * 2 else { return }
        self.wentWell = 0
        let next = value + max(1, value / 10)
        self.value = next > max(self.peak * 2, 8) ? nil : next
    }
}
