import SluiceCore
import Testing

@Suite struct BackendRecordTests {
    private func record(concurrent: Int? = nil, rpm: Int? = nil, tpm: Int? = nil, reserve: Int64? = nil) -> BackendRecord {
        var limits = Backend.Limits()
        limits.concurrent = concurrent
        limits.requestsPerMinute = rpm
        limits.tokensPerMinute = tpm
        limits.liveReserve = reserve.map { PriceFactor(millionths: $0) }
        return BackendRecord(limits: limits)
    }

    private func admit(_ record: inout BackendRecord, isLater: Bool = false, isLastResort: Bool = false, tokens: Int = 1, at second: Double = 0)
        -> BackendRecord.Admission
    {
        record.admit(tokens: tokens, isLater: isLater, isLastResort: isLastResort, at: SamplePolicy.instant(second))
    }

    private func release(_ record: inout BackendRecord, _ report: BackendRecord.Report = .success, isLater: Bool = false, at second: Double = 0) {
        record.release(report, isLater: isLater, held: .milliseconds(10), jitter: 0, at: SamplePolicy.instant(second))
    }

    @Test func slotsAreTakenAndGivenBack() {
        var record = self.record(concurrent: 2)
        #expect(self.admit(&record) == .admitted && self.admit(&record) == .admitted)
        #expect(self.admit(&record) == .busy(nil) && record.inFlight == 2)
        self.release(&record)
        #expect(self.admit(&record) == .admitted)
    }

    @Test func deferredWorkLeavesTheLiveReserveAlone() {
        var record = self.record(concurrent: 4, reserve: 500_000)
        #expect(self.admit(&record, isLater: true) == .admitted && self.admit(&record, isLater: true) == .admitted)
        #expect(self.admit(&record, isLater: true) == .busy(nil))
        #expect(self.admit(&record) == .admitted && self.admit(&record) == .admitted && record.inFlightLater == 2)
    }

    @Test func aReserveNeverShutsDeferredWorkOutAltogether() {
        var record = self.record(concurrent: 2, reserve: 1_000_000)
        #expect(self.admit(&record, isLater: true) == .admitted)
        var single = self.record(concurrent: 1, reserve: 500_000)
        #expect(self.admit(&single, isLater: true) == .admitted)
    }

    @Test func limitsPerMinuteTellHowLongToWait() {
        var requests = self.record(rpm: 1)
        #expect(self.admit(&requests) == .admitted)
        #expect(self.admit(&requests, at: 1) == .busy(.seconds(60)))
        var tokens = self.record(tpm: 100)
        #expect(self.admit(&tokens, tokens: 90) == .admitted)
        #expect(self.admit(&tokens, tokens: 20, at: 1) == .busy(.seconds(60)))
        #expect(self.admit(&tokens, tokens: 10, at: 1) == .admitted)
    }

    @Test func tokensAreSettledWithWhatWasUsed() {
        var record = self.record(tpm: 100)
        #expect(self.admit(&record, tokens: 90) == .admitted)
        record.release(.success, isLater: false, held: .seconds(1), tokensBeyond: -85, jitter: 0, at: SamplePolicy.instant(1))
        #expect(self.admit(&record, tokens: 90, at: 1) == .admitted)
        record.release(.success, isLater: false, held: .seconds(1), tokensBeyond: 30, jitter: 0, at: SamplePolicy.instant(2))
        #expect(self.admit(&record, tokens: 1, at: 3) == .busy(.seconds(59)))
    }

    @Test func aHostThatDoesNotAnswerIsLeftAloneAfterThreeCallsUnlessItIsTheLast() {
        var record = self.record()
        for _ in 0..<3 {
            #expect(self.admit(&record) == .admitted)
            self.release(&record, .silence)
        }
        #expect(self.admit(&record, at: 0.5) == .down(until: SamplePolicy.instant(1)))
        #expect(self.admit(&record, isLastResort: true, at: 1) == .admitted)
    }

    @Test func aRefusedCallCountsAgainstNoLimit() {
        var record = self.record(rpm: 10, tpm: 10)
        #expect(self.admit(&record, tokens: 10) == .admitted)
        for _ in 0..<20 { #expect(self.admit(&record, tokens: 5, at: 1) != .admitted) }
        for _ in 0..<9 { #expect(self.admit(&record, tokens: 0, at: 1) == .admitted) }
    }

    @Test func aParkedBackendGetsNoCallNotEvenAsALastResort() {
        var record = self.record()
        record.park(until: SamplePolicy.instant(5))
        record.park(until: SamplePolicy.instant(3))
        #expect(self.admit(&record, isLastResort: true, at: 4) == .down(until: SamplePolicy.instant(5)))
        #expect(record.condition(isLater: false, at: SamplePolicy.instant(4)).availability == .down(until: SamplePolicy.instant(5)))
        #expect(self.admit(&record, at: 5) == .admitted)
    }

    @Test func anOpenBreakerLetsOneCallASecondThroughAsALastResort() {
        var record = self.record()
        for _ in 0..<5 {
            #expect(self.admit(&record) == .admitted)
            self.release(&record, .failure)
        }
        #expect(self.admit(&record, at: 0.5) == .down(until: SamplePolicy.instant(1)))
        var passed = 0
        for tenth in 0..<100 where self.admit(&record, isLastResort: true, at: 0.5 + Double(tenth) / 10) == .admitted { passed += 1 }
        #expect((9...10).contains(passed))
    }

    @Test(arguments: [BackendRecord.Report.nothing, .success])
    func whatIsNoFailureOpensNoBreaker(_ report: BackendRecord.Report) {
        var record = self.record()
        for _ in 0..<50 {
            #expect(self.admit(&record) == .admitted)
            self.release(&record, report)
        }
        guard case .closed = record.breakerState else { return #expect(Bool(false), "the breaker is open") }
    }

    @Test func newLimitsKeepWhatIsInFlight() {
        var record = self.record(concurrent: 4)
        #expect(self.admit(&record) == .admitted && self.admit(&record) == .admitted)
        var limits = Backend.Limits()
        limits.concurrent = 2
        record.adopt(limits)
        #expect(self.admit(&record) == .busy(nil))
        self.release(&record)
        #expect(self.admit(&record) == .admitted)
    }

    @Test func theWaitForASlotCountsIntoTheFirstToken() {
        var condition = BackendCondition()
        condition.limit = 4
        condition.inFlight = 4
        condition.waiting = 7
        condition.firstToken = .milliseconds(200)
        condition.slotTime = .seconds(1)
        #expect(condition.predictedFirstToken == .milliseconds(2200))
        condition.inFlight = 3
        #expect(condition.predictedFirstToken == .milliseconds(200))
        condition.firstToken = nil
        #expect(condition.predictedFirstToken == nil)
    }
}
