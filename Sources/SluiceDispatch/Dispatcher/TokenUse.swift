import SluiceCore

/// What a request has really used of the tokens that were taken for it at the start.
struct TokenUse {
    /// When they were taken.
    var since = MonotonicInstant(nanoseconds: 0)
    private var used = 0
    /// An attempt has ended without a usage.
    private var isUnknown = false

    /// - Parameter tokens: What one attempt has used; nil where nobody knows.
    mutating func add(_ tokens: Int?) {
        guard let tokens else { return self.isUnknown = true }
        self.used += tokens
    }

    /// By how much that is more than the estimate. With an attempt that is not known it is never less: what it used is taken to be the estimate.
    func beyond(_ estimate: Int) -> Int {
        self.isUnknown ? max(0, self.used - estimate) : self.used - estimate
    }
}

extension DispatchRun {
    /// The tokens of both directions that an attempt has used; nil where its usage is missing or not to be believed.
    func tokens(usedBy settlement: borrowing LedgerEntry.Settlement) -> Int? {
        if self.call.request.endpoint == .countTokens { return 0 }
        if settlement.usage == nil { return settlement.outcome == .notSent || settlement.outcome == .refused ? 0 : nil }
        guard let usage = settlement.usage, !settlement.flags.contains(.unreconciled) else { return nil }
        return usage.prompt + usage.generated
    }
}
