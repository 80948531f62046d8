import SluiceCore
import Testing

@Suite struct CircuitBreakerTests {
    private func at(_ seconds: Double) -> MonotonicInstant { SamplePolicy.instant(seconds) }

    /// One that has just opened, at second 0.
    private func opened() -> CircuitBreaker {
        var breaker = CircuitBreaker()
        for _ in 0..<CircuitBreaker.threshold { breaker.fail(at: self.at(0), jitter: 0) }
        return breaker
    }

    @Test func opensAfterFiveFailuresInARow() {
        var breaker = CircuitBreaker()
        for _ in 0..<4 { breaker.fail(at: self.at(0), jitter: 0) }
        #expect(!breaker.isOpen)
        breaker.succeed()
        for _ in 0..<4 { breaker.fail(at: self.at(0), jitter: 0) }
        #expect(!breaker.isOpen && breaker.opens(at: self.at(0)) == nil)
        breaker.fail(at: self.at(0), jitter: 0)
        #expect(breaker.isOpen && breaker.opens(at: self.at(0.5)) == self.at(1))
    }

    @Test func opensAfterThreeConnectTimeOuts() {
        var breaker = CircuitBreaker()
        for _ in 0..<2 { breaker.fail(weight: CircuitBreaker.weightOfSilence, at: self.at(0), jitter: 0) }
        #expect(!breaker.isOpen)
        breaker.fail(weight: CircuitBreaker.weightOfSilence, at: self.at(0), jitter: 0)
        #expect(breaker.isOpen && breaker.opens(at: self.at(0.5)) == self.at(1))
    }

    @Test func letsOneProbeThroughAfterThePause() {
        var breaker = self.opened()
        #expect(breaker.opens(at: self.at(1)) == nil)
        breaker.pass(at: self.at(1))
        #expect(breaker.opens(at: self.at(1)) != nil, "the second call must wait for the probe")
        breaker.succeed()
        #expect(!breaker.isOpen && breaker.opens(at: self.at(1)) == nil)
    }

    @Test func pausesDoubleUpToAMinute() {
        var breaker = self.opened()
        var now = 1.0
        for pause in [2.0, 4, 8, 16, 32, 60, 60] {
            breaker.pass(at: self.at(now))
            breaker.fail(at: self.at(now), jitter: 0)
            #expect(breaker.opens(at: self.at(now)) == self.at(now + pause))
            now += pause
        }
    }

    @Test(arguments: [(0.0, 1.0), (0.5, 1.1), (1.0, 1.2)])
    func jitterSpreadsThePauseOverAFifth(_ jitter: Double, _ pause: Double) {
        var breaker = CircuitBreaker()
        for _ in 0..<CircuitBreaker.threshold { breaker.fail(at: self.at(0), jitter: jitter) }
        #expect(breaker.opens(at: self.at(0)) == self.at(pause))
    }

    @Test func stragglersNeitherCloseNorProlong() {
        var breaker = self.opened()
        breaker.fail(at: self.at(0.9), jitter: 0)
        #expect(breaker.opens(at: self.at(0.9)) == self.at(1))
    }

    @Test func aProbeWhoseClientLeftIsMadeAgain() {
        var breaker = self.opened()
        breaker.pass(at: self.at(1))
        breaker.forget(at: self.at(1.1))
        #expect(breaker.isOpen && breaker.opens(at: self.at(1.1)) == nil)
    }

    @Test func aProbeThatWasNeverReportedDoesNotCloseTheDoorForGood() {
        var breaker = self.opened()
        breaker.pass(at: self.at(1))
        #expect(breaker.opens(at: self.at(30)) == self.at(31))
        #expect(breaker.opens(at: self.at(31)) == nil)
    }

    @Test func asALastResortOneCallASecondPasses() {
        var breaker = self.opened()
        #expect(!breaker.allowsLastResort(at: self.at(0.9)))
        #expect(breaker.allowsLastResort(at: self.at(1)))
        breaker.pass(at: self.at(1))
        #expect(!breaker.allowsLastResort(at: self.at(1.9)) && breaker.allowsLastResort(at: self.at(2)))
    }
}
