import SluiceCore
import Testing

@Suite struct LaneCurveTests {
    private static let hour = Duration.seconds(3600)

    private func hours(_ hours: [Int64]) -> [Duration] { hours.map { .seconds($0 * 3600) } }

    @Test func withoutExperienceAnyInstantOfTheDayIsAsLikely() {
        let curve = LaneCurve(ends: [])
        #expect(abs(curve.chance(ofEndBefore: .seconds(6 * 3600)) - 0.25) < 1e-9)
        #expect(abs(curve.chance(ofEndBefore: .seconds(18 * 3600), age: .seconds(12 * 3600)) - 0.5) < 1e-9)
        #expect(curve.chance(ofEndBefore: .seconds(30 * 3600)) == 1)
    }

    @Test func nothingEndsBeforeItsAge() {
        let curve = LaneCurve(ends: self.hours([1, 2, 3]))
        #expect(curve.chance(ofEndBefore: LaneCurveTests.hour, age: .seconds(7200)) == 0)
        #expect(curve.chance(ofEndBefore: LaneCurveTests.hour, age: LaneCurveTests.hour) == 0)
        #expect(curve.chance(ofEndBefore: .seconds(50 * 3600), age: .seconds(40 * 3600)) == 0, "nothing is known of such an age")
    }

    /// 300 ends weigh sixty times what is published.
    @Test func experienceOutweighsWhatIsPublished() {
        let curve = LaneCurve(ends: [Duration](repeating: .seconds(600), count: LaneCurve.mostEnds))
        #expect(curve.chance(ofEndBefore: LaneCurveTests.hour) > 0.98)
        #expect(curve.chance(ofEndBefore: .seconds(300)) < 0.01)
    }

    /// The estimate by hand: 1 of 6 ends after an hour, 1 of the 4 that are left after two (one is an hour and a half old), so that 5/6 · 3/4 take longer.
    @Test func whatIsUnderWayCountsUpToItsAge() {
        let curve = LaneCurve(ends: self.hours([1, 2, 3, 4]), open: [.seconds(5400), .seconds(9000)])
        let seen = 1 - 5.0 / 6 * 3 / 4
        let published = 2.5 / 24
        let expected = (seen * 4 + published * 5) / 9
        #expect(abs(curve.chance(ofEndBefore: .seconds(9000)) - expected) < 1e-9)
    }

    /// In a slow hour the few that end are quick; those that do not say that the lane is slow.
    @Test func theQuickOnesAloneDoNotMakeItLookWell() {
        let ends = [Duration](repeating: .seconds(60), count: 20)
        let naive = LaneCurve(ends: ends)
        let censored = LaneCurve(ends: ends, open: [Duration](repeating: .seconds(7200), count: 80))
        #expect(naive.chance(ofEndBefore: LaneCurveTests.hour) > 0.75 && censored.chance(ofEndBefore: LaneCurveTests.hour) < 0.25)
    }
}
