import SluiceCore
import Testing

/// The odd nights; ten years in five zones against Python's zoneinfo stand in SluicePolicyTests.
@Suite struct DispatchWindowTests {
    private func hours(_ start: Int, _ end: Int, zone: String = "Europe/Berlin", _ change: (inout DispatchWindow.Hours) -> Void = { _ in }) -> DispatchWindow {
        var hours = DispatchWindow.Hours(zone: zone)
        hours.ranges = [DispatchWindow.SecondsOfDay(start: start, end: end)]
        change(&hours)
        return .hours(hours)
    }

    private func intervals(_ window: DispatchWindow, _ from: String, _ to: String) throws -> [String] {
        let span = try #require(Timestamp(rfc3339: from))..<#require(Timestamp(rfc3339: to))
        return window.intervals(in: span, named: [:]).intervals.map { "\($0.lowerBound.description.dropLast(8))–\($0.upperBound.description.dropLast(8))" }
    }

    @Test func aRangePastMidnightBelongsToTheDayOnWhichItBegins() throws {
        let window = self.hours(22 * 3600, 6 * 3600) { $0.days = [4] }
        #expect(try self.intervals(window, "2026-11-25T00:00:00Z", "2026-12-02T00:00:00Z") == ["2026-11-27T21:00–2026-11-28T05:00"])
    }

    @Test func aStartInTheSkippedHourIsTheFirstInstantAfterIt() throws {
        // On 29 March 2026 the clocks go from 02:00 to 03:00.
        #expect(try self.intervals(self.hours(9000, 14_400), "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z") == ["2026-03-29T01:00–2026-03-29T02:00"])
    }

    @Test func aWindowWithinTheSkippedHourDoesNotOpen() throws {
        #expect(try self.intervals(self.hours(8100, 9900), "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z") == [])
    }

    @Test func aBoundaryInTheRepeatedHourIsItsFirstOccurrence() throws {
        // On 25 October 2026 the hour from 02:00 comes twice.
        #expect(try self.intervals(self.hours(9000, 14_400), "2026-10-25T00:00:00Z", "2026-10-25T12:00:00Z") == ["2026-10-25T00:30–2026-10-25T03:00"])
        #expect(try self.intervals(self.hours(3600, 9000), "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z") == ["2026-10-24T23:00–2026-10-25T00:30"])
    }

    @Test func nightsOfTheChangeAreAnHourShorterAndLonger() throws {
        let night = self.hours(22 * 3600, 6 * 3600)
        #expect(try self.intervals(night, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z") == ["2026-03-28T21:00–2026-03-29T04:00"])
        #expect(try self.intervals(night, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z") == ["2026-10-24T20:00–2026-10-25T05:00"])
    }

    @Test func daysOfTheMonthCountFromBothEnds() throws {
        let last = self.hours(0, 86_400, zone: "UTC") { $0.daysOfMonth = [-1] }
        #expect(try self.intervals(last, "2028-02-01T00:00:00Z", "2028-03-15T00:00:00Z") == ["2028-02-29T00:00–2028-03-01T00:00"])
    }

    @Test func theAlgebraOfWindows() throws {
        let day = self.hours(8 * 3600, 20 * 3600, zone: "UTC")
        let lunch = self.hours(12 * 3600, 13 * 3600, zone: "UTC")
        let span = ("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z")
        #expect(try self.intervals(.except(day, [lunch]), span.0, span.1) == ["2026-11-23T08:00–2026-11-23T12:00", "2026-11-23T13:00–2026-11-23T20:00"])
        #expect(try self.intervals(.not(day), span.0, span.1) == ["2026-11-23T00:00–2026-11-23T08:00", "2026-11-23T20:00–2026-11-24T00:00"])
        #expect(try self.intervals(.all([day, lunch]), span.0, span.1) == ["2026-11-23T12:00–2026-11-23T13:00"])
        #expect(try self.intervals(.any([.not(day), lunch]), span.0, span.1).count == 3)
        #expect(try self.intervals(.all([]), span.0, span.1) == ["2026-11-23T00:00–2026-11-24T00:00"])
        #expect(try self.intervals(.any([]), span.0, span.1) == [])
        #expect(try self.intervals(.named("nobody"), span.0, span.1) == [])
    }

    @Test func theCalendarAnswersAsTheWindowDoes() throws {
        let night = self.hours(22 * 3600, 6 * 3600)
        let calendar = WindowCalendar(named: ["night": night])
        let span = try #require(Timestamp(rfc3339: "2026-01-01T00:00:00Z"))..<#require(Timestamp(rfc3339: "2029-01-01T00:00:00Z"))
        let truth = night.intervals(in: span.lowerBound - .seconds(86_400 * 3)..<span.upperBound + .seconds(86_400 * 3), named: [:])
        var instant = span.lowerBound
        while instant < span.upperBound {
            #expect(calendar.isOpen(.named("night"), at: instant) == truth.contains(instant), "\(instant)")
            instant = instant + .seconds(7 * 3600 + 13)
        }
        #expect(calendar.nextOpening(of: .named("night"), from: SamplePolicy.noon)?.lowerBound.description == "2026-11-23T21:00:00.000Z")
    }

    @Test func aWindowThatNeverOpensHasNoOpening() {
        let calendar = WindowCalendar(named: [:])
        #expect(calendar.nextOpening(of: .any([]), from: SamplePolicy.noon) == nil)
    }
}
