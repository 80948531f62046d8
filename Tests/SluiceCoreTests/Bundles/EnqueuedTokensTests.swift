import SluiceCore
import Testing

@Suite struct EnqueuedTokensTests {
    @Test func jobsAreTakenUpToTheQuota() {
        var tokens = EnqueuedTokens(waiting: 100, quota: 300)
        #expect([150, 60, 50, 1].map { tokens.take($0) } == [true, false, true, false])
    }

    @Test func aJobThatIsLargerThanTheQuotaGoesWhereNothingWaits() {
        var tokens = EnqueuedTokens(waiting: 0, quota: 50)
        #expect([80, 1].map { tokens.take($0) } == [true, false])
        var full = EnqueuedTokens(waiting: 1, quota: 50)
        #expect(full.take(80) == false)
    }
}
