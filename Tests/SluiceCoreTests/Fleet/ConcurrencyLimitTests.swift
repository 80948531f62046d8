import SluiceCore
import Testing

@Suite struct ConcurrencyLimitTests {
    /// Rounds of calls against a backend that gets through `most` at once and no more.
    private func rounds(_ count: Int, of limit: inout ConcurrencyLimit, most: Int, from second: inout Double) {
        for _ in 0..<count {
            let inFlight = limit.limit
            for _ in 0...limit.limit {
                second += 1 / Double(min(inFlight, most))
                limit.succeed(tokens: 100, inFlight: inFlight, at: SamplePolicy.instant(second))
            }
        }
    }

    @Test func beginsCautiouslyWhereThePolicySaysNothing() {
        #expect(ConcurrencyLimit(ceiling: nil).limit == 16 && ConcurrencyLimit(ceiling: 4).limit == 4 && ConcurrencyLimit(ceiling: 64).limit == 64)
    }

    @Test func growsAsLongAsMoreComesOut() {
        var (limit, second) = (ConcurrencyLimit(ceiling: nil), 0.0)
        self.rounds(12, of: &limit, most: 1000, from: &second)
        #expect(limit.limit > 200)
    }

    @Test func staysWhereNoMoreComesOut() {
        var (limit, second) = (ConcurrencyLimit(ceiling: nil), 0.0)
        self.rounds(20, of: &limit, most: 40, from: &second)
        #expect((40...90).contains(limit.limit), "\(limit.limit)")
    }

    @Test func aLimitThatIsNotUsedUpDoesNotGrow() {
        var limit = ConcurrencyLimit(ceiling: nil)
        for call in 0..<500 { limit.succeed(tokens: Double(call), inFlight: 3, at: SamplePolicy.instant(Double(call))) }
        #expect(limit.limit == 16)
    }

    @Test func isCutOnceForAllThatWasSentBefore() {
        var limit = ConcurrencyLimit(ceiling: 100)
        for call in 0..<50 { limit.throttle(call: .seconds(2), at: SamplePolicy.instant(Double(call) / 100)) }
        #expect(limit.limit == 70)
        limit.throttle(call: .seconds(2), at: SamplePolicy.instant(3))
        #expect(limit.limit == 49)
    }

    @Test func neverFallsBelowOne() {
        var limit = ConcurrencyLimit(ceiling: 2)
        for round in 0..<20 { limit.throttle(call: .zero, at: SamplePolicy.instant(Double(round * 100))) }
        #expect(limit.limit == 1)
    }

    @Test func halvesForLiveWorkOnceInTenSeconds() {
        var limit = ConcurrencyLimit(ceiling: 64)
        limit.yield(at: SamplePolicy.instant(0))
        limit.yield(at: SamplePolicy.instant(9))
        #expect(limit.limit == 32)
        limit.yield(at: SamplePolicy.instant(11))
        #expect(limit.limit == 16)
    }

    @Test func comesBackAfterACut() {
        var (limit, second) = (ConcurrencyLimit(ceiling: 64), 0.0)
        limit.throttle(call: .seconds(1), at: SamplePolicy.instant(0))
        self.rounds(60, of: &limit, most: 1000, from: &second)
        #expect(limit.limit > 56, "\(limit.limit)")
    }

    @Test func aPaceIsKnownAfterAFewCalls() {
        var pace = DeferredPace(ceiling: 8)
        for _ in 0..<2 {
            pace.begin()
            pace.end(.answered, tokens: 200, held: .seconds(2), at: SamplePolicy.instant(2))
        }
        #expect(pace.tokensPerSecond == nil && pace.inFlight == 0)
        pace.begin()
        pace.end(.answered, tokens: 200, held: .seconds(2), at: SamplePolicy.instant(4))
        #expect(abs((pace.tokensPerSecond ?? 0) - 100) < 0.001)
    }
}
