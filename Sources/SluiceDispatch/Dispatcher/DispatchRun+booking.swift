import Logging
import NIOCore
import SluiceCore
import SluiceWire

/// What attempts come to in the books, and what their backends are taken for afterwards.
extension DispatchRun {
    /// What an attempt came to that was dropped since the client has left, or another was quicker.
    func leftBehind(_ attempt: Attempt, _ outcome: LedgerEntry.Outcome) -> LedgerEntry.Settlement {
        guard attempt.wasSent else { return self.meter.free(.notSent, status: nil) }
        return self.meter.interval(
            outcome, status: attempt.head?.status, candidate: attempt.candidate, facts: attempt.currentFacts, share: self.share(of: attempt, at: self.now),
            wasAnswered: attempt.hasBegunAnswer, keepsBaseline: outcome == .clientGone, evidence: .estimated, at: self.now.wall)
    }

    /// What an attempt came to that was given up before it had an answer.
    func unanswered(_ attempt: Attempt, _ outcome: LedgerEntry.Outcome) -> LedgerEntry.Settlement {
        guard attempt.wasSent else { return self.meter.free(.notSent, status: nil) }
        return self.meter.interval(
            outcome, status: attempt.head?.status, candidate: attempt.candidate, facts: attempt.currentFacts, share: self.share(of: attempt, at: self.now),
            wasAnswered: attempt.hasBegunAnswer, keepsBaseline: false, evidence: .inDoubt, at: self.now.wall)
    }

    func book(_ attempt: Attempt, _ failure: AttemptMachine.Failure, _ outcome: LedgerEntry.Outcome, status: Int?, report: BackendRecord.Report) {
        let now = self.now.wall
        switch failure {
        case .notSent:
            self.settle(attempt, self.meter.free(.notSent, status: nil), as: .settled, report: report)
        case .answered(502), .answered(504), .hungUp:
            // Who billed what behind a broken gateway is not known.
            let end = self.meter.interval(
                .upstreamError, status: status, candidate: attempt.candidate, facts: attempt.currentFacts, share: self.share(of: attempt, at: self.now),
                wasAnswered: false, keepsBaseline: false, evidence: .inDoubt, at: now)
            self.settle(attempt, end, as: .waste, report: .failure)
        case .answered(let code):
            self.settle(
                attempt, self.meter.free(code >= 500 && code != 503 && code != 529 ? .upstreamError : .refused, status: status), as: .settled,
                report: code >= 500 ? .failure : .nothing)
        case .reported(let problem):
            self.settle(
                attempt, self.meter.free(.refused, status: status), as: .settled, report: problem.status == 429 ? .nothing : .failure)
        case .ambiguous(let isTimeout):
            if isTimeout { attempt.slot.complain(at: self.now.monotonic) }
            let end = self.meter.interval(
                isTimeout ? .timeout : outcome, status: status, candidate: attempt.candidate, facts: attempt.currentFacts,
                share: self.share(of: attempt, at: self.now),
                wasAnswered: false,
                keepsBaseline: false, evidence: .inDoubt, at: now)
            self.settle(attempt, end, as: .waste, report: .failure)
        }
    }

    /// Leaves a backend alone that named its time, or that refuses our credentials.
    func heed(_ head: UpstreamHead, _ attempt: Attempt) {
        let now = self.now
        switch head.status {
        case 401, 402, 403:
            self.dispatcher.alert("the backend refuses Sluice's credentials", attempt: attempt, status: head.status)
            attempt.slot.park(until: now.monotonic + .seconds(60))
        case 429, 503, 529:
            attempt.slot.complain(at: now.monotonic)
            let named = RetryAfter.parse(seconds: head.value(of: "retry-after"), milliseconds: head.value(of: "retry-after-ms"), at: now.wall)
            if let named {
                attempt.slot.park(until: now.monotonic + named)
            } else if head.status == 429 {
                let isSpent = attempt.keptBody.getString(at: attempt.keptBody.readerIndex, length: min(4096, attempt.keptBody.readableBytes)).map {
                    $0.contains("insufficient_quota") || $0.contains("billing") || $0.contains("spend")
                }
                attempt.slot.park(until: now.monotonic + (isSpent == true ? .seconds(60) : .seconds(1)))
            }
        default:
            break
        }
    }

    func partial(_ attempt: Attempt, _ outcome: LedgerEntry.Outcome) -> LedgerEntry.Settlement {
        self.meter.interval(
            outcome, status: attempt.head?.status, candidate: attempt.candidate, facts: attempt.currentFacts,
            share: self.share(of: attempt, at: self.now), wasAnswered: true, keepsBaseline: true, evidence: .lowerBound, at: self.now.wall)
    }

    /// What the attempt's time on hardware of one's own has cost; nil elsewhere.
    func share(of attempt: Attempt, at now: Now) -> NodeMeter.Share? {
        attempt.work.flatMap { attempt.slot.share(since: $0, at: now) }
    }

    func settlement(of attempt: Attempt, _ outcome: LedgerEntry.Outcome, at now: Now) -> LedgerEntry.Settlement {
        if self.call.request.endpoint == .countTokens { return self.meter.free(outcome, status: attempt.head?.status) }
        return self.meter.answered(
            outcome, status: attempt.head?.status, candidate: attempt.candidate, facts: attempt.currentFacts, share: self.share(of: attempt, at: now),
            at: now.wall)
    }

    /// Books the one end of an attempt and gives its slot back.
    func settle(
        _ attempt: Attempt, _ settlement: consuming LedgerEntry.Settlement, as kind: LedgerEntry.Kind, report: BackendRecord.Report,
        at instant: Now? = nil
    ) {
        guard !attempt.isSettled else { return }
        attempt.isSettled = true
        self.last = attempt
        self.forget(attempt)
        let now = instant ?? self.now
        var entry = attempt.intent.entry
        entry.kind = kind
        entry.at = now.wall
        if settlement.evidence == .unpriced || settlement.cost == nil || kind == .waste { settlement.levers = nil }
        settlement.queued = self.call.queued ?? self.roomWait.map { attempt.started - $0 } ?? .zero
        settlement.firstToken = attempt.firstToken.map { $0 - self.call.arrived.monotonic }
        settlement.total = now.monotonic - self.call.arrived.monotonic
        if let reservation = attempt.reservation { self.purse?.settle(reservation, settlement, at: now.wall) }
        let used = self.tokens(usedBy: settlement)
        self.tokenUse.add(used)
        entry.settlement = consume settlement
        if self.call.isVerification { entry = entry.asVerification() }
        if attempt.work != nil { attempt.slot.endWork(at: now) }
        attempt.slot.release(
            report, isLater: self.call.isLater, urgency: self.urgency, held: now.monotonic - attempt.started,
            tokensBeyond: used.map { $0 - self.tokens } ?? 0, at: now.monotonic)
        self.recorder.end(entry)
    }
}
