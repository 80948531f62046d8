import SluiceCore

/// Backends that do not stop (`promises.md`, fault 33).
extension DispatchRun {
    /// The stream has gone on far beyond what the request allows: nobody waits for its end, or pays for it without knowing.
    func attemptRunsAway(_ attempt: Attempt) {
        guard !self.isOver, !attempt.isSettled, self.isCommitted else { return }
        attempt.cancel()
        var end = self.partial(attempt, .upstreamError)
        end.flags.append(.overMaxTokens)
        self.settle(attempt, end, as: .settled, report: .failure)
        let refusal = Refusal(502, .upstreamFailed, "the backend went on beyond the `max_tokens` of the request and was stopped")
        self.finishStream(with: attempt.errorEvent(refusal), isWhole: false)
    }
}

extension InferenceRequest {
    /// What a stream may have, with a tenth more: pieces are counted, which may be smaller than tokens where a backend holds characters back.
    var mostTokensOfStream: Int {
        guard let most = self.maxTokens else { return .max }
        let all = most * self.choices
        return all + max(all / 10, 16)
    }
}
