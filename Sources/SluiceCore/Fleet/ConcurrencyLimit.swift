/// How many deferred calls a backend gets at once, found by trying (additive increase, multiplicative decrease; `queue.md` 10.5).
///
/// | what is seen | what becomes of the limit |
/// |---|---|
/// | more came out of a round of calls than of the one before | doubled until the first cut, then an eighth more |
/// | no more came out | stays |
/// | 429, 503, a time-out | × 0.7, once for each time that a call takes |
/// | live requests wait too long for their first token | × 0.5, once in ten seconds, down to an eighth of what the policy allows: it may be none of our doing |
package struct ConcurrencyLimit: Sendable {
    private static let first = 16
    private static let highest = 256
    private static let pauseAfterLiveSuffered = Duration.seconds(10)
    /// Where the rounds stay flat, one more is tried after so many of them: times change.
    private static let flatRounds = 8

    private struct Round {
        var calls = 0
        var tokens = 0.0
        var start: MonotonicInstant
        var peak = 0
    }

    private let ceiling: Int
    private var value: Double
    private var isFinding = true
    private var round: Round?
    private var lastRate: Double?
    private var lastLimit = 0
    private var flat = 0
    private var cutUntil: MonotonicInstant?

    /// - Parameter ceiling: What the policy allows at most; where it says nothing, a cautious number is where it begins.
    package init(ceiling: Int?) {
        self.ceiling = max(1, ceiling ?? ConcurrencyLimit.highest)
        self.value = Double(ceiling.map { max(1, $0) } ?? ConcurrencyLimit.first)
    }

    package var limit: Int { max(1, min(self.ceiling, Int(self.value))) }

    /// A call has ended well.
    ///
    /// - Parameter inFlight: With it, how many there were.
    package mutating func succeed(tokens: Double, inFlight: Int, at now: MonotonicInstant) {
        var round = self.round ?? Round(start: now)
        round.calls += 1
        round.tokens += tokens
        round.peak = max(round.peak, inFlight)
        self.round = round
        guard round.calls > self.limit else { return }
        self.end(round, at: now)
    }

    private mutating func end(_ round: Round, at now: MonotonicInstant) {
        self.round = Round(start: now)
        let elapsed = Double(max(1, (now - round.start).nanoseconds)) / 1e9
        let rate = round.tokens / elapsed
        let limit = self.limit
        defer { (self.lastRate, self.lastLimit) = (rate, limit) }
        // A limit that was not used up is not what held the rate down.
        guard round.peak * 10 >= self.limit * 8 else { return }
        guard let last = self.lastRate, rate < last * 1.03 else {
            self.flat = 0
            self.value = min(Double(self.ceiling), self.value + (self.isFinding ? self.value : max(1, self.value / 8)))
            return
        }
        if self.isFinding, limit > self.lastLimit {
            // Half as many got as much out.
            self.isFinding = false
            self.value = max(1, self.value / 2)
        }
        self.flat += 1
        guard self.flat >= ConcurrencyLimit.flatRounds else { return }
        self.flat = 0
        self.value = min(Double(self.ceiling), self.value + 1)
    }

    /// The backend has had too much.
    ///
    /// - Parameter call: How long a call takes: what was sent before the cut may still come back refused.
    package mutating func throttle(call: Duration, at now: MonotonicInstant) {
        self.cut(to: 0.7, pause: min(max(call, .milliseconds(200)), .seconds(60)), at: now)
    }

    /// Live requests there are slower than their class allows.
    package mutating func yield(at now: MonotonicInstant) {
        self.cut(to: 0.5, atLeast: min(self.value, Double(self.ceiling) / 8), pause: ConcurrencyLimit.pauseAfterLiveSuffered, at: now)
    }

    private mutating func cut(to share: Double, atLeast least: Double = 1, pause: Duration, at now: MonotonicInstant) {
        if let until = self.cutUntil, until > now { return }
        self.cutUntil = now + pause
        self.isFinding = false
        self.flat = 0
        self.lastRate = nil
        self.round = nil
        self.value = max(1, least, self.value * share)
    }
}
