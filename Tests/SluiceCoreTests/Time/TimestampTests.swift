import SluiceCore
import SluiceTesting
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        ("2026-11-25T21:00:03.120Z", 1_795_640_403_120), ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59.999Z", -1),
        ("2026-11-24T06:00:00+01:00", 1_795_496_400_000),
        ("2026-11-24 06:00:00-00:30", 1_795_501_800_000), ("2026-11-24t06:00:00z", 1_795_500_000_000), ("2026-11-24T06:00Z", 1_795_500_000_000),
        ("2026-11-24", 1_795_478_400_000),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000), ("2026-11-24T06:00:00.123456789Z", 1_795_500_000_123), ("2026-11-24T06:00:00.1Z", 1_795_500_000_100),
    ])
    func readsRFC3339(_ text: String, _ milliseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "2026", "2026-13-01", "2026-02-29", "2026-11-31", "2026-11-24T24:00:00Z", "2026-11-24T06:60:00Z", "2026-11-24T06:00:61Z", "2026-11-24T06:00:00",
        "2026-11-24T06:00:00.Z",
        "2026-11-24T06:00:00+1:00", "2026-11-24T06:00:00Zx", "26-11-24", "+026-11-24", "2026-11-24T06:00:00+24:00", "2026-1-24", "٢٠٢٦-11-24",
    ])
    func refusesWhatIsNone(_ text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func writesWhatItReads() {
        var chance = SeededGenerator(seed: 5)
        for _ in 0..<5000 {
            let instant = Timestamp(milliseconds: Int64.random(in: -62_135_596_800_000...253_402_300_799_999, using: &chance))
            #expect(Timestamp(rfc3339: instant.description) == instant)
        }
    }

    @Test(arguments: [(0, 0), (3_599_999, 0), (3_600_000, 3_600_000), (-1, -3_600_000)])
    func knowsItsHour(_ milliseconds: Int64, _ hour: Int64) {
        #expect(Timestamp(milliseconds: milliseconds).hour.milliseconds == hour)
    }

    @Test func daysComeOneAfterTheOther() throws {
        var day = try #require(CivilDate(year: 1899, month: 12, day: 30))
        var odd: [CivilDate] = []
        for _ in 0..<80_000 {
            let next = CivilDate(daysSince1970: day.daysSince1970 + 1)
            let isSameMonth = next.year == day.year && next.month == day.month && next.day == day.day + 1
            let isNextMonth =
                next.day == 1 && day.day == day.daysInMonth && (next.year, next.month) == (day.month == 12 ? (day.year + 1, 1) : (day.year, day.month + 1))
            if !(isSameMonth || isNextMonth) || next.weekday != (day.weekday + 1) % 7 { odd.append(day) }
            day = next
        }
        #expect(odd.isEmpty)
    }
}

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("250ms", 250), ("30s", 30_000), ("1.5s", 1500), ("5m", 300_000), ("4h", 14_400_000), ("2d", 172_800_000), ("36mo", 36 * 30 * 86_400_000), ("0s", 0),
        ("0.001s", 1),
    ])
    func readsNumbersWithAUnit(_ text: String, _ milliseconds: Int64) {
        #expect(DurationText.parse(text) == .milliseconds(milliseconds))
    }

    @Test(arguments: ["", "s", "5", "-5s", "5 s", "5S", "1e3s", "5y", "ms", ".5s", "5.s", "99999999999999999999d", "5sm", "٥s"])
    func refusesWhatIsNone(_ text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(arguments: ["36501d", "99999999999h", "9999999999999999999999999999999999mo"])
    func nothingIsLongerThanACentury(_ text: String) {
        #expect(DurationText.parse(text) == nil && DurationText.isTooLong(text))
        #expect(DurationText.parse("36500d") == DurationText.longest && !DurationText.isTooLong("36500d") && !DurationText.isTooLong("long"))
    }

    @Test func anInstantBeyondTheClockIsItsLast() {
        let late = MonotonicInstant(nanoseconds: .max - 1)
        #expect(late + .seconds(60) == MonotonicInstant(nanoseconds: .max) && late + .seconds(-60) < late)
    }

    @Test(arguments: [(1500, "1500ms"), (90_000, "90s"), (129_600_000, "36h"), (432_000_000, "5d"), (0, "0ms"), (120_000, "2m")])
    func writesTheShortestSpelling(_ milliseconds: Int64, _ text: String) {
        #expect(DurationText.format(.milliseconds(milliseconds)) == text)
        #expect(DurationText.parse(text) == .milliseconds(milliseconds))
    }
}

@Suite struct ClockTextTests {
    @Test(arguments: [("00:00", 0), ("06:30", 23_400), ("23:59:59", 86_399), ("24:00", 86_400)])
    func readsTimesOfDay(_ text: String, _ second: Int) {
        #expect(ClockText.parse(text) == second)
    }

    @Test(arguments: ["", "6:30", "06:60", "25:00", "24:01", "24:00:01", "06", "06:30:00:00", "06:+3", "-1:00", "0６:00", "06:30pm"])
    func refusesWhatIsNone(_ text: String) {
        #expect(ClockText.parse(text) == nil)
    }
}
