import SluiceBatch
import SluiceCore
import SluiceTesting
import Testing

@Suite struct JobDispositionTests {
    private static let now = Timestamp(milliseconds: 1_764_100_000_000)
    private let body = JobResult(status: 502, contentType: "application/json", body: [])

    private func run(_ attempts: Int = 1, retryAmbiguous: Int = 2, chance: Double = 1) -> JobDisposition.Run {
        var tries = Job.Tries()
        (tries.failures, tries.doubts) = (attempts, attempts)
        return JobDisposition.Run(attempts: attempts, tries: tries, retryAmbiguous: retryAmbiguous, deadline: nil, chance: chance)
    }

    /// How long the job waits; nil where it ends.
    private func pause(_ disposition: JobDisposition) -> Duration? {
        guard case .putBack(let notBefore, _) = disposition else { return nil }
        return notBefore - Self.now
    }

    private func state(_ disposition: JobDisposition) -> JobState? {
        guard case .complete(let state, _) = disposition else { return nil }
        return state
    }

    private func answered(_ status: Int, retryAfter: Duration? = nil, _ run: JobDisposition.Run) -> JobDisposition {
        .of(answer: JobResult(status: status, contentType: "application/json", body: []), retryAfter: retryAfter, run, at: Self.now)
    }

    private func refused(_ code: Refusal.Code, after outcome: LedgerEntry.Outcome?, _ run: JobDisposition.Run) -> JobDisposition {
        .of(refusal: Refusal(503, code, "no"), lastOutcome: outcome, body: self.body, run, at: Self.now)
    }

    @Test(arguments: [(200, JobState.done), (201, .done), (400, .failed), (413, .failed), (422, .failed), (500, .failed)])
    func anAnswerEndsTheJob(status: Int, state: JobState) {
        #expect(self.state(self.answered(status, self.run())) == state)
    }

    @Test func a429WaitsAsLongAsItSaysAndCostsNoTry() {
        #expect(self.pause(self.answered(429, retryAfter: .seconds(90), self.run(100))) == .seconds(90))
        #expect(self.pause(self.answered(429, self.run(3, chance: 0))) == .zero)
    }

    @Test func theWaitDoublesUpToAMinute() {
        let waits = (1...12).map { self.pause(self.answered(429, self.run($0))) }
        #expect(waits.prefix(4) == [.seconds(1), .seconds(2), .seconds(4), .seconds(8)] && waits.last == .seconds(60))
    }

    @Test(arguments: [(3600, 90), (100, 25), (1, 0.25), (-5, 0.25)])
    func noPauseIsLongerThanAQuarterOfWhatIsLeft(left: Double, pause: Double) {
        var run = self.run(100)
        run.deadline = Self.now + .milliseconds(Int64(left * 1000))
        #expect(self.pause(self.answered(429, retryAfter: .seconds(90), run)) == .milliseconds(Int64(pause * 1000)))
    }

    @Test(arguments: [LedgerEntry.Outcome.timeout, .unknown, .truncated])
    func aCallThatMayHaveBeenCarriedOutIsRepeatedAsOftenAsTheClassSays(outcome: LedgerEntry.Outcome) {
        #expect(self.pause(self.refused(.upstreamFailed, after: outcome, self.run(2))) != nil)
        #expect(self.state(self.refused(.upstreamFailed, after: outcome, self.run(3))) == .failed)
        #expect(self.state(self.refused(.upstreamFailed, after: outcome, self.run(1, retryAmbiguous: 0))) == .failed)
    }

    private static func end(_ outcome: LedgerEntry.Outcome) -> LedgerEntry {
        var entry = Sample.settled(Sample.subject("req_1", jobID: "job_1", serve: .later))
        entry.settlement?.outcome = outcome
        return entry
    }

    @Test func refusalsAndCallsThatWereNeverSentAreNoTries() {
        var run = self.run(100)
        run.tries = Job.Tries().adding([.refused, .notSent, .unknown, .refused, .upstreamError].map(Self.end))
        #expect(run.tries.failures == 2 && run.tries.doubts == 1)
        #expect(self.pause(self.refused(.upstreamFailed, after: .unknown, run)) != nil)
        #expect(self.pause(self.refused(.upstreamFailed, after: .upstreamError, run)) != nil)
    }

    @Test(arguments: [nil, LedgerEntry.Outcome.refused, .notSent])
    func whatNeverReachedTheBackendIsTriedForEver(outcome: LedgerEntry.Outcome?) {
        #expect(self.pause(self.refused(.noBackend, after: outcome, self.run(1000))) != nil)
    }

    @Test func aBackendsOwnFailureIsTriedEightTimesInAll() {
        #expect(self.pause(self.refused(.upstreamFailed, after: .upstreamError, self.run(7))) != nil)
        #expect(self.state(self.refused(.upstreamFailed, after: .upstreamError, self.run(8))) == .failed)
    }

    @Test(arguments: [Refusal.Code.maxCostExceeded, .invalidRequest, .modelNotFound, .modelNotAllowed])
    func whatNoWaitCanMendFailsAtOnce(code: Refusal.Code) {
        #expect(self.state(self.refused(code, after: nil, self.run())) == .failed)
    }

    @Test func aFullDiskAndAnEmptyBudgetWait() {
        #expect(self.pause(self.refused(.storageFull, after: nil, self.run())) == .seconds(1))
        #expect(self.pause(self.refused(.budgetExceeded, after: nil, self.run())) == .seconds(60))
    }
}
