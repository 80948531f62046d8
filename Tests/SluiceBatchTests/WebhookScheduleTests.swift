import SluiceBatch
import SluiceCore
import Testing

@Suite struct WebhookScheduleTests {
    private static let now = Timestamp(milliseconds: 1_764_100_000_000)

    private func verdict(_ status: Int?, retryAfter: String? = nil, attempts: Int = 1, chance: Double = 0.5) -> WebhookSchedule.Verdict {
        WebhookSchedule.verdict(status: status, retryAfter: retryAfter, attempts: attempts, chance: chance, at: Self.now)
    }

    @Test(arguments: [200, 201, 204]) func anySuccessIsADelivery(status: Int) { #expect(self.verdict(status) == .delivered) }

    @Test func goneSwitchesTheEndpointOff() { #expect(self.verdict(410) == .disabled) }

    @Test(arguments: zip(1...9, [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]))
    func eachAttemptWaitsAsTheStandardSays(attempts: Int, seconds: Int) {
        #expect(self.verdict(500, attempts: attempts) == .again(Self.now + .seconds(seconds)))
    }

    @Test(arguments: [nil, 302, 400, 404, 500, 503]) func anythingElseIsAFailure(status: Int?) {
        #expect(self.verdict(status) == .again(Self.now + .seconds(5)))
    }

    @Test func afterTheTenthAttemptItIsGivenUp() { #expect(self.verdict(500, attempts: 10) == .givenUp) }

    @Test func theJitterIsATenthToEitherSide() {
        #expect(self.verdict(500, chance: 0) == .again(Self.now + .milliseconds(4500)))
        #expect(self.verdict(500, chance: 1) == .again(Self.now + .milliseconds(5500)))
    }

    @Test func aLongerWaitThatIsAskedForIsKeptUpToAnHour() {
        #expect(self.verdict(503, retryAfter: "120") == .again(Self.now + .seconds(120)))
        #expect(self.verdict(503, retryAfter: "1") == .again(Self.now + .seconds(5)))
        #expect(self.verdict(503, retryAfter: "9999999") == .again(Self.now + .seconds(3600)))
    }
}
