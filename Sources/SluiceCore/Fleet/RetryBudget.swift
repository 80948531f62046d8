/// Bounds what retries, failovers and hedges add to the offered load: one token is a fifth of a first attempt, ten are free.
///
/// So a backend that fails every call is asked at most 1.2 times as often as clients ask, and ten times.
package struct RetryBudget: Sendable {
    private static let scale = 1000
    private static let perAttempt = 200
    private static let most = 10 * scale

    private var tokens = RetryBudget.most

    package init() {}

    package mutating func noteFirstAttempt() {
        self.tokens = min(RetryBudget.most, self.tokens + RetryBudget.perAttempt)
    }

    /// Takes one token; false where none is left, and the retry must not be made.
    package mutating func take() -> Bool {
        guard self.tokens >= RetryBudget.scale else { return false }
        self.tokens -= RetryBudget.scale
        return true
    }

    /// The retry was not made after all.
    package mutating func giveBack() {
        self.tokens = min(RetryBudget.most, self.tokens + RetryBudget.scale)
    }
}
