/// Bounds how many requests of a class get a second attempt: each request earns the share that the policy names, and ten are saved up at most.
package struct HedgeBudget: Sendable {
    private static let most: Int64 = 10 * PriceFactor.one.millionths

    private var tokens: Int64 = 0

    package init() {}

    package mutating func noteRequest(share: PriceFactor) {
        self.tokens = min(HedgeBudget.most, self.tokens + share.millionths)
    }

    /// Takes the right to one second attempt; false where none is left.
    package mutating func take() -> Bool {
        guard self.tokens >= PriceFactor.one.millionths else { return false }
        self.tokens -= PriceFactor.one.millionths
        return true
    }

    /// No backend took the second attempt.
    package mutating func giveBack() {
        self.tokens = min(HedgeBudget.most, self.tokens + PriceFactor.one.millionths)
    }
}
