/// What a clock on the wall shows.
package struct LocalTime: Hashable, Sendable {
    package let date: CivilDate
    /// Seconds since midnight.
    package let second: Int
    /// Seconds east of UTC.
    package let offset: Int

    private static let weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `22:00`, with seconds where there are any.
    package var clock: String {
        let minutes = "\(LocalTime.two(self.second / 3600)):\(LocalTime.two(self.second / 60 % 60))"
        return self.second % 60 == 0 ? minutes : "\(minutes):\(LocalTime.two(self.second % 60))"
    }

    fileprivate static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    package var weekday: String { LocalTime.weekdays[self.date.weekday] }

    /// `Mon 23 Nov`
    package var day: String { "\(self.weekday) \(self.date.day) \(LocalTime.months[self.date.month - 1])" }
}

extension ZonedClock {
    package func local(at instant: Timestamp) -> LocalTime {
        LocalTime(date: self.date(at: instant), second: self.second(at: instant), offset: self.offset(at: instant))
    }

    /// `2026-11-23T22:00:00+01:00`
    package func rfc3339(at instant: Timestamp) -> String {
        let local = self.local(at: instant)
        let two = LocalTime.two
        let minutes = abs(local.offset) / 60
        let year = String(repeating: "0", count: max(0, 4 - String(local.date.year).count)) + String(local.date.year)
        return
            "\(year)-\(two(local.date.month))-\(two(local.date.day))T\(two(local.second / 3600)):\(two(local.second / 60 % 60)):\(two(local.second % 60))"
            + "\(local.offset < 0 ? "-" : "+")\(two(minutes / 60)):\(two(minutes % 60))"
    }
}
