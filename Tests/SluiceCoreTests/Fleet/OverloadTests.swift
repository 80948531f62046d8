import SluiceCore
import Testing

/// The limits that overload finds for itself, and those of tenants.
@Suite struct OverloadTests {
    private let start = MonotonicInstant(nanoseconds: 1_000_000_000_000)

    // MARK: A backend that complains

    @Test func aBackendThatNeverComplainsHasNoLimit() {
        var pressure = BackPressure()
        for _ in 0..<1000 { pressure.succeed(inFlight: 500) }
        #expect(pressure.limit == nil)
    }

    @Test func complaintsOfOneMomentAreOneCut() {
        var pressure = BackPressure()
        for _ in 0..<20 { pressure.complain(inFlight: 100, call: .seconds(1), at: self.start) }
        #expect(pressure.limit == 90)
        pressure.complain(inFlight: 90, call: .seconds(1), at: self.start + .seconds(1))
        #expect(pressure.limit == 81)
    }

    @Test func neverLessThanOneCallIsLetThrough() {
        var pressure = BackPressure()
        for second in 0..<500 { pressure.complain(inFlight: 1, call: .milliseconds(1), at: self.start + .seconds(second)) }
        #expect(pressure.limit == 1)
    }

    @Test func aTenthMoreIsTriedForTwoRoundsUntilItIsForgotten() {
        var pressure = BackPressure()
        pressure.complain(inFlight: 20, call: .seconds(1), at: self.start)
        #expect(pressure.limit == 18)
        for _ in 0..<36 { pressure.succeed(inFlight: 18) }
        #expect(pressure.limit == 19)
        for _ in 0..<100 { pressure.succeed(inFlight: 3) }
        #expect(pressure.limit == 19, "a limit that is not used up is not tried")
        var rounds = 0
        while let limit = pressure.limit {
            pressure.succeed(inFlight: limit)
            rounds += 1
        }
        #expect((200...800).contains(rounds))
    }

    /// A backend that bears so many at a time and refuses the rest.
    @Test(arguments: [4, 20, 100])
    func itSettlesNearWhatTheBackendBears(_ bears: Int) {
        var pressure = BackPressure()
        var refused = 0
        var served = 0
        for round in 0..<400 {
            let sent = min(pressure.limit ?? bears * 4, bears * 4)
            let now = self.start + .seconds(round)
            for call in 0..<sent {
                if call < bears { pressure.succeed(inFlight: sent) } else { pressure.complain(inFlight: sent, call: .milliseconds(900), at: now) }
                if round >= 50 { if call < bears { served += 1 } else { refused += 1 } }
            }
        }
        #expect(served >= bears * 350 * 85 / 100, "\(served)")
        #expect(refused * 8 < served, "\(refused) refused, \(served) served")
    }

    // MARK: A loop that cannot keep up

    @Test func oneLateTickIsNoOverload() {
        var limit = LoopLimit()
        limit.tick(lag: .seconds(60), underWay: 1000)
        limit.tick(lag: .zero, underWay: 1000)
        limit.tick(lag: .seconds(60), underWay: 1000)
        #expect(limit.limit == nil && limit.admits(rank: 5, underWay: 100_000))
    }

    @Test func theLeastUrgentClassIsRefusedFirst() {
        var limit = LoopLimit()
        for _ in 0..<2 { limit.tick(lag: .seconds(1), underWay: 1000) }
        #expect(limit.limit == 900)
        #expect(limit.admits(rank: 0, underWay: 850) && !limit.admits(rank: 1, underWay: 850) && limit.admits(rank: 1, underWay: 800))
        #expect(!limit.admits(rank: 9, underWay: 450) && limit.admits(rank: 9, underWay: 449))
    }

    @Test func aFewAreCarriedAlwaysAndTheLimitIsForgotten() {
        var limit = LoopLimit()
        for _ in 0..<100 { limit.tick(lag: .seconds(1), underWay: 10) }
        #expect(limit.limit == 64)
        var ticks = 0
        while limit.limit != nil {
            limit.tick(lag: .zero, underWay: 10)
            ticks += 1
        }
        #expect(ticks < 100, "normal again within 5 s: \(ticks) ticks of 50 ms")
    }

    // MARK: Tenants

    private func limits(_ change: (inout Backend.Limits) -> Void) -> Backend.Limits {
        var limits = Backend.Limits()
        change(&limits)
        return limits
    }

    @Test func aTenantHasSoManyAtATime() {
        var use = TenantUse(limits: self.limits { $0.concurrent = 2 })
        for _ in 0..<2 { #expect(use.admit(tokens: 1, isLater: false, at: self.start) == .admitted) }
        #expect(use.admit(tokens: 1, isLater: false, at: self.start) == .refused(what: "2 requests at a time", wait: .seconds(1)))
        use.release(since: self.start, at: self.start)
        #expect(use.admit(tokens: 1, isLater: false, at: self.start) == .admitted)
    }

    @Test func itsDeferredWorkLeavesTheReserveAlone() {
        var use = TenantUse(
            limits: self.limits {
                $0.concurrent = 2
                $0.liveReserve = PriceFactor(millionths: 500_000)
            })
        #expect(use.admit(tokens: 1, isLater: true, at: self.start) == .admitted)
        #expect(use.admit(tokens: 1, isLater: true, at: self.start) != .admitted)
        #expect(use.admit(tokens: 1, isLater: false, at: self.start) == .admitted)
    }

    @Test func whatIsRefusedTakesNothingOfTheMinute() {
        var use = TenantUse(
            limits: self.limits {
                $0.requestsPerMinute = 3
                $0.tokensPerMinute = 100
            })
        #expect(use.admit(tokens: 90, isLater: false, at: self.start) == .admitted)
        for _ in 0..<10 { #expect(use.admit(tokens: 20, isLater: false, at: self.start) == .refused(what: "100 tokens per minute", wait: .seconds(61))) }
        for _ in 0..<2 { #expect(use.admit(tokens: 5, isLater: false, at: self.start) == .admitted) }
        #expect(use.admit(tokens: 1, isLater: false, at: self.start) == .refused(what: "3 requests per minute", wait: .seconds(61)))
        #expect(use.admit(tokens: 1, isLater: false, at: self.start + .seconds(61)) == .admitted)
    }

    @Test func theTokensOfATenantAreSettledWithWhatWasUsed() {
        var use = TenantUse(limits: self.limits { $0.tokensPerMinute = 100 })
        #expect(use.admit(tokens: 90, isLater: false, at: self.start) == .admitted)
        use.release(tokensBeyond: -70, since: self.start, at: self.start + .seconds(2))
        #expect(use.admit(tokens: 80, isLater: false, at: self.start + .seconds(2)) == .admitted)
        use.release(tokensBeyond: 50, since: self.start + .seconds(2), at: self.start + .seconds(3))
        #expect(use.quotas(at: self.start + .seconds(3)).map(\.left) == [0])
        #expect(use.admit(tokens: 40, isLater: false, at: self.start + .seconds(61)) == .refused(what: "100 tokens per minute", wait: .seconds(2)))
    }

    @Test func newLimitsKeepWhatIsInFlight() {
        var use = TenantUse(limits: self.limits { $0.concurrent = 5 })
        for _ in 0..<3 { _ = use.admit(tokens: 1, isLater: false, at: self.start) }
        use.adopt(self.limits { $0.concurrent = 3 })
        #expect(use.inFlight == 3 && use.admit(tokens: 1, isLater: false, at: self.start) != .admitted)
    }
}
