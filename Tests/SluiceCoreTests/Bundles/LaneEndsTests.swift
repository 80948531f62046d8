import SluiceCore
import SluiceTesting
import Testing

@Suite struct LaneEndsTests {
    private static let monday = Sample.now.hour

    private func ends(_ counts: [(hour: Int, count: Int)]) -> LaneEnds {
        var ends = LaneEnds()
        for (hour, count) in counts {
            for _ in 0..<count { ends.add(.seconds(hour), begun: LaneEndsTests.monday + .seconds(hour * 3600 + 7)) }
        }
        return ends
    }

    /// The hour, then what is next to it on either side, the end of the week being next to its beginning.
    @Test func theHoursAroundFillWhatTheHourLacks() {
        let ends = self.ends([(0, 10), (167, 20), (2, 280), (80, 300)])
        let near = ends.near(LaneEndsTests.monday)
        #expect(near.count == 310 && !near.contains(.seconds(80)))
        #expect(ends.near(LaneEndsTests.monday + .seconds(80 * 3600)) == [Duration](repeating: .seconds(80), count: 300))
    }

    /// With few of them all count, as on the first day.
    @Test func fewOfThemAllCount() {
        #expect(self.ends([(0, 1), (84, 2), (90, 3)]).near(LaneEndsTests.monday + .seconds(5 * 3600)).count == 6)
        #expect(LaneEnds().near(Sample.now).isEmpty)
    }

    @Test func theSameHourOfEveryWeekIsOneAndTheOldestGo() {
        var ends = LaneEnds()
        for week in 0..<400 { ends.add(.seconds(week), begun: LaneEndsTests.monday + .seconds(week * 7 * 86_400)) }
        let near = ends.near(LaneEndsTests.monday)
        #expect(near.count == LaneCurve.mostEnds && near.first == .seconds(100) && near.last == .seconds(399))
    }
}
