import SluiceCore

/// A second attempt beside one that is slower than usual: whoever commits first is relayed, the other is dropped.
extension AttemptMachine {
    /// Looks for a backend that takes a second attempt now. What it gives is performed as ever, and ends in ``Action/carryOn`` where none does.
    ///
    /// - Returns: nil where there may be none: nothing or two under way, all attempts made, or nobody left.
    package mutating func hedge() -> Action? {
        guard case .trying = self.state, self.underWay == 1, self.attemptCount < AttemptMachine.mostAttempts else { return nil }
        self.hedgePosition = 0
        guard case .ask(let candidate, let isLastResort) = self.nextHedge() else { return nil }
        return .ask(candidate, isLastResort: isLastResort)
    }

    /// No backend is waited for, and none that is down or expected to be slow is asked: the first attempt may still win.
    mutating func nextHedge() -> Action {
        while self.hedgePosition < self.route.candidates.count {
            let candidate = self.route.candidates[self.hedgePosition]
            self.hedgePosition += 1
            guard !candidate.isTooSlow, self.isOpen(candidate), self.isReachable(candidate), self.isAffordable(candidate) else { continue }
            self.state = .asking(candidate, isLastResort: false)
            return .ask(candidate, isLastResort: false)
        }
        self.state = .trying
        return .carryOn
    }
}
