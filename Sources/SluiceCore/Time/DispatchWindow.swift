import Foundation

/// When something may happen, in the words of a policy: hours of days in a zone, or an expression over named windows.
///
/// Half-open; a range that ends at or before its start runs into the next day and belongs to the day on which it starts.
/// A boundary in the hour that daylight saving skips is the first instant after it, one in the repeated hour its first occurrence.
package indirect enum DispatchWindow: Hashable, Sendable {
    /// Hours on the days that fit every filter given.
    case hours(Hours)
    /// Another window by its name in the policy.
    case named(String)
    case any([DispatchWindow])
    case all([DispatchWindow])
    case not(DispatchWindow)
    case except(DispatchWindow, [DispatchWindow])

    package struct Hours: Hashable, Sendable {
        /// Weekdays, 0 is Monday; nil for every day.
        package var days: Set<Int>?
        /// Seconds of the day; an end at or before the start is on the next day. Empty for the whole day.
        package var ranges: [SecondsOfDay] = []
        package var dates: [ClosedRange<CivilDate>] = []
        /// 1 is the first day of the month, -1 the last.
        package var daysOfMonth: Set<Int>?
        package var months: Set<Int>?
        /// A zone that ``TimeZone`` knows; the decoder of policies saw to that.
        package var zone: String

        package init(zone: String) {
            self.zone = zone
        }
    }

    package struct SecondsOfDay: Hashable, Sendable {
        package var start: Int
        package var end: Int

        package init(start: Int, end: Int) {
            self.start = start
            self.end = end
        }
    }

    /// The names that the expression uses.
    package var references: [String] {
        switch self {
        case .hours: []
        case .named(let name): [name]
        case .any(let windows), .all(let windows): windows.flatMap(\.references)
        case .not(let window): window.references
        case .except(let window, let windows): window.references + windows.flatMap(\.references)
        }
    }

    /// When the window is open within `span`.
    ///
    /// - Parameter named: What the names stand for; the expression has no circle, as the decoder of policies made sure.
    package func intervals(in span: Range<Timestamp>, named: [String: DispatchWindow]) -> IntervalSet {
        func resolve(_ window: DispatchWindow) -> IntervalSet { window.intervals(in: span, named: named) }
        switch self {
        case .hours(let hours):
            return hours.intervals(in: span)
        case .named(let name):
            return named[name].map(resolve) ?? IntervalSet()
        case .any(let windows):
            return windows.reduce(into: IntervalSet()) { $0 = $0.union(resolve($1)) }
        case .all(let windows):
            return windows.reduce(IntervalSet([span])) { $0.intersection(resolve($1)) }
        case .not(let window):
            return resolve(window).complement(in: span)
        case .except(let window, let windows):
            return windows.reduce(resolve(window)) { $0.intersection(resolve($1).complement(in: span)) }
        }
    }
}

extension DispatchWindow.Hours {
    func intervals(in span: Range<Timestamp>) -> IntervalSet {
        guard let zone = ZonedClock(self.zone) else { preconditionFailure("unknown zone \(self.zone)") }
        let ranges = self.ranges.isEmpty ? [DispatchWindow.SecondsOfDay(start: 0, end: 86_400)] : self.ranges
        var result: [Range<Timestamp>] = []
        // A range may begin on the day before and reach into the span.
        var day = zone.date(at: span.lowerBound).daysSince1970 - 2
        let last = zone.date(at: span.upperBound).daysSince1970 + 1
        while day <= last {
            if self.includes(CivilDate(daysSince1970: day)) {
                for range in ranges {
                    let end = range.end <= range.start ? range.end + 86_400 : range.end
                    let opens = zone.instant(day: day, second: range.start)
                    // A zone that crossed the date line has skipped a whole day.
                    result.append((opens..<max(opens, zone.instant(day: day, second: end))).clamped(to: span))
                }
            }
            day += 1
        }
        return IntervalSet(result)
    }

    private func includes(_ date: CivilDate) -> Bool {
        (self.days?.contains(date.weekday) ?? true)
            && (self.months?.contains(date.month) ?? true)
            && (self.daysOfMonth.map { $0.contains(date.day) || $0.contains(date.day - date.daysInMonth - 1) } ?? true)
            && (self.dates.isEmpty || self.dates.contains { $0.contains(date) })
    }
}

/// The wall clock of one zone. Foundation's zone tables do the work; this is the only file of the core that uses them.
package struct ZonedClock: Sendable {
    /// nil for UTC itself, for which no tables need to be read.
    private let zone: TimeZone?

    /// nil for a zone that the system does not know.
    package init?(_ identifier: String) {
        self.zone = identifier == "UTC" ? nil : TimeZone(identifier: identifier)
        guard self.zone != nil || identifier == "UTC" else { return nil }
    }

    package static var knownZones: [String] { TimeZone.knownTimeZoneIdentifiers }

    package func offset(at instant: Timestamp) -> Int {
        self.zone?.secondsFromGMT(for: Date(timeIntervalSince1970: Double(instant.milliseconds) / 1000)) ?? 0
    }

    package func date(at instant: Timestamp) -> CivilDate {
        CivilDate(daysSince1970: Int64((Double(instant.milliseconds) / 1000 + Double(self.offset(at: instant))) / 86_400, rounding: .down))
    }

    /// The seconds since local midnight by the wall clock.
    package func second(at instant: Timestamp) -> Int {
        let local = instant.seconds + Int64(self.offset(at: instant))
        return Int(local - CivilDate(daysSince1970: Int64(Double(local) / 86_400, rounding: .down)).daysSince1970 * 86_400)
    }

    /// The instant at which the local clock shows this second of this day.
    ///
    /// In the skipped hour it is the first instant after the gap, in the repeated hour the first occurrence.
    package func instant(day: Int64, second: Int) -> Timestamp {
        let local = day * 86_400 + Int64(second)
        // The offsets a day before and after bracket any transition near the local time.
        let before = Int64(self.offset(at: Timestamp(seconds: local - 86_400)))
        let after = Int64(self.offset(at: Timestamp(seconds: local + 86_400)))
        for candidate in [local - max(before, after), local - min(before, after)]
        where candidate + Int64(self.offset(at: Timestamp(seconds: candidate))) == local {
            return Timestamp(seconds: candidate)
        }
        // Skipped: the transition itself is the first instant after the gap.
        var low = local - max(before, after)
        var high = local - min(before, after)
        while high - low > 1 {
            let middle = (low + high) / 2
            if Int64(self.offset(at: Timestamp(seconds: middle))) == before { low = middle } else { high = middle }
        }
        return Timestamp(seconds: high)
    }
}

extension Int64 {
    fileprivate init(_ value: Double, rounding rule: FloatingPointRoundingRule) {
        self.init(value.rounded(rule))
    }
}
