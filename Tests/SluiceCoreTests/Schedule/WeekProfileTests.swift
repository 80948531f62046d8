import SluiceCore
import Testing

@Suite struct WeekProfileTests {
    private let monday = Timestamp(rfc3339: "2026-11-02T00:00:00Z") ?? .distantPast

    private func hours(_ days: Int, _ amount: (_ day: Int, _ hour: Int) -> Double) -> [Timestamp: Double] {
        var hours: [Timestamp: Double] = [:]
        for day in 0..<days { for hour in 0..<24 { hours[self.monday + .seconds((day * 24 + hour) * 3600)] = amount(day, hour) } }
        return hours
    }

    @Test func nothingIsExpectedOfNothing() {
        #expect(WeekProfile().amount(at: self.monday) == 0)
    }

    @Test func anHourOfTheWeekIsTheMeanOfItsWeeks() {
        let profile = WeekProfile(
            self.hours(14) { day, _ in day % 7 == 0 ? (day == 0 ? 100 : 200) : 0 }, since: self.monday, until: self.monday + .seconds(14 * 86_400))
        #expect(profile.amount(at: self.monday + .seconds(14 * 86_400 + 1800)) == 150)
        #expect(profile.amount(at: self.monday + .seconds(15 * 86_400)) == 0)
    }

    @Test func aWeekThatWasSeenOnceBorrowsFromOtherDays() {
        let profile = WeekProfile(self.hours(3) { _, hour in hour == 9 ? 90 : 0 }, since: self.monday, until: self.monday + .seconds(3 * 86_400))
        #expect(profile.amount(at: self.monday + .seconds(5 * 86_400 + 9 * 3600)) == 90)
        #expect(profile.amount(at: self.monday + .seconds(5 * 86_400 + 10 * 3600)) == 0)
    }

    @Test func hoursThatAreMissingHadNothing() {
        let profile = WeekProfile([self.monday: 10], since: self.monday, until: self.monday + .seconds(28 * 86_400))
        #expect(profile.amount(at: self.monday) == 2.5)
    }
}
