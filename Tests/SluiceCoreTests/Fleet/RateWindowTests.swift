import SluiceCore
import SluiceTesting
import Testing

@Suite struct RateWindowTests {
    private func at(_ seconds: Double) -> MonotonicInstant { SamplePolicy.instant(seconds) }

    @Test func letsAsManyThroughAsTheLimitSays() {
        var window = RateWindow(limit: 3)
        for _ in 0..<3 {
            #expect(window.wait(for: 1, at: self.at(10)) == nil)
            window.take(1, at: self.at(10))
        }
        #expect(window.wait(for: 1, at: self.at(10)) == .seconds(61))
    }

    @Test func tellsHowLongUntilEnoughIsFree() {
        var window = RateWindow(limit: 10)
        window.take(4, at: self.at(0.5))
        window.take(4, at: self.at(20.5))
        #expect(window.wait(for: 2, at: self.at(21)) == nil)
        #expect(window.wait(for: 3, at: self.at(21)) == .seconds(40), "the first second is over at 61")
        #expect(window.wait(for: 7, at: self.at(21)) == .seconds(60), "the second one at 81")
    }

    @Test func whatWasTakenTooMuchIsGivenBackWhereItStillCounts() {
        var window = RateWindow(limit: 100)
        window.take(90, at: self.at(0.5))
        window.take(5, at: self.at(2))
        window.correct(by: -80, takenAt: self.at(0.5), at: self.at(3))
        #expect(window.left(at: self.at(3)) == 85)
        #expect(window.reset(at: self.at(3)) == .seconds(60))
        window.correct(by: -80, takenAt: self.at(0.5), at: self.at(4))
        #expect(window.left(at: self.at(4)) == 95, "never more than was taken in that second")
        window.correct(by: -5, takenAt: self.at(2), at: self.at(63))
        #expect(window.left(at: self.at(63)) == 100)
    }

    @Test func whatWasUsedBeyondTheEstimateIsADebt() {
        var window = RateWindow(limit: 100)
        window.take(50, at: self.at(0))
        window.correct(by: 0, takenAt: self.at(0), at: self.at(9))
        window.correct(by: 200, takenAt: self.at(0), at: self.at(10))
        #expect(window.left(at: self.at(10)) == 0)
        #expect(window.wait(for: 1, at: self.at(11)) == .seconds(60), "what was used last is over at 71")
        #expect(window.wait(for: 1, at: self.at(71)) == nil)
    }

    @Test func whatNeverFitsPassesAnEmptyWindowOnly() {
        var window = RateWindow(limit: 10)
        #expect(window.wait(for: 50, at: self.at(0)) == nil)
        window.take(50, at: self.at(0))
        #expect(window.wait(for: 50, at: self.at(1)) == .seconds(60))
        #expect(window.wait(for: 50, at: self.at(61)) == nil)
    }

    @Test func forgetsAfterALongPauseAndAClockThatBeganLate() {
        var window = RateWindow(limit: 1)
        window.take(1, at: self.at(1_000_000))
        #expect(window.wait(for: 1, at: self.at(1_000_030)) != nil)
        #expect(window.wait(for: 1, at: self.at(2_000_000)) == nil)
    }

    /// No minute ever holds more than the limit, whatever the traffic.
    @Test(arguments: [1, 7, 60])
    func isNeverExceededInAnyMinute(_ limit: Int) {
        var chance = SeededGenerator(seed: UInt64(limit))
        var window = RateWindow(limit: limit)
        var taken: [Double] = []
        var now = 5.0
        for _ in 0..<3000 {
            now += Double.random(in: 0...(120 / Double(limit)), using: &chance)
            guard window.wait(for: 1, at: self.at(now)) == nil else { continue }
            window.take(1, at: self.at(now))
            taken.append(now)
            #expect(taken.reversed().prefix { $0 > now - 60 }.count <= limit)
        }
        #expect(taken.count > limit * 5)
    }

    /// Whoever waits as long as he was told gets through.
    @Test func theWaitThatItTellsIsEnough() {
        var chance = SeededGenerator(seed: 3)
        var window = RateWindow(limit: 20)
        var now = self.at(7.25)
        for _ in 0..<500 {
            let amount = Int.random(in: 1...9, using: &chance)
            if let wait = window.wait(for: amount, at: now) {
                #expect(wait > .zero)
                now = now + wait
            }
            #expect(window.wait(for: amount, at: now) == nil)
            window.take(amount, at: now)
            now = now + .milliseconds(Int.random(in: 0...900, using: &chance))
        }
    }

    @Test func saysWhenAllOfItIsThereAgain() {
        var window = RateWindow(limit: 10)
        #expect(window.reset(at: self.at(5)) == .zero)
        window.take(1, at: self.at(0.5))
        window.take(1, at: self.at(20.5))
        #expect(window.reset(at: self.at(21)) == .seconds(60), "the second in which the last was taken is over at 81")
        #expect(window.reset(at: self.at(81)) == .zero)
    }

    @Test func aQuotaIsToldInOpenAIsWordsAndInTheDrafts() {
        let lines = [Quota(.requests, limit: 3, left: 2, reset: .milliseconds(59_200)), Quota(.tokens, limit: 100, left: 0, reset: .zero)].headerLines
        #expect(
            String(decoding: lines, as: UTF8.self) == """
                x-ratelimit-limit-requests: 3\r
                x-ratelimit-remaining-requests: 2\r
                x-ratelimit-reset-requests: 60s\r
                x-ratelimit-limit-tokens: 100\r
                x-ratelimit-remaining-tokens: 0\r
                x-ratelimit-reset-tokens: 0s\r
                ratelimit-policy: "requests";q=3;w=60, "tokens";q=100;w=60\r
                ratelimit: "requests";r=2;t=60, "tokens";r=0;t=0\r

                """)
        #expect([Quota]().headerLines.isEmpty)
    }
}
