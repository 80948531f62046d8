import SluiceCore
import Testing

@Suite struct PlanHorizonTests {
    private let horizon = PlanHorizon(from: SamplePolicy.noon + .seconds(1234))

    @Test func stepsFollowOneAnotherForAboutAWeek() {
        #expect(zip(self.horizon.edges, self.horizon.edges.dropFirst()).allSatisfy { $0 < $1 })
        #expect(self.horizon.end - self.horizon.start >= .seconds(7 * 86_400))
        #expect(self.horizon.steps.count < 150)
    }

    @Test func stepsGrowWithTheDistance() {
        #expect(self.horizon.seconds(of: 0) == 1)
        #expect(self.horizon.steps.allSatisfy { self.horizon.seconds(of: $0) <= 15_000 })
    }

    @Test func farEdgesAreWholeClockTimes() {
        for edge in self.horizon.edges where edge - self.horizon.start > .seconds(10_000) { #expect(edge.milliseconds % 1_800_000 == 0) }
    }

    @Test func sharesOfASetAddUpToItsLength() {
        let open = self.horizon.start + .seconds(5000)..<self.horizon.start + .seconds(9000)
        let shares = self.horizon.shares(in: IntervalSet([open]))
        let seconds = self.horizon.steps.reduce(0.0) { $0 + shares[$1] * self.horizon.seconds(of: $1) }
        #expect(abs(seconds - 4000) < 1)
    }
}
