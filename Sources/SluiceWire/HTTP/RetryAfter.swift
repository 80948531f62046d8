package import SluiceCore

/// The wait that a backend names, in any of the forms seen: seconds (also with decimals), an HTTP date, milliseconds.
package enum RetryAfter {
    /// What no backend means in earnest is cut to this.
    package static let longest = Duration.seconds(3600)

    /// nil where neither header names a time; the header in milliseconds is the more exact one.
    package static func parse(seconds: String?, milliseconds: String?, at now: Timestamp) -> Duration? {
        if let milliseconds, let value = DecimalText.parse(milliseconds.trimmed, decimals: 3), value >= 0 {
            return self.bounded(milliseconds: value / 1000)
        }
        guard let text = seconds?.trimmed else { return nil }
        if let value = DecimalText.parse(text, decimals: 3) { return value < 0 ? nil : self.bounded(milliseconds: value) }
        guard let date = HTTPDate.parse(text) else { return nil }
        return min(max(date - now, .zero), self.longest)
    }

    private static func bounded(milliseconds: Int128) -> Duration {
        milliseconds > Int128(self.longest.milliseconds) ? self.longest : .milliseconds(Int64(milliseconds))
    }
}

/// Dates as HTTP writes them (RFC 9110, 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`, and in the two obsolete forms that must still be read,
/// `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`.
package enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    package static func parse(_ text: some StringProtocol) -> Timestamp? {
        let parts = text.split { $0 == " " || $0 == "-" }
        if parts.count == 6, parts[0].hasSuffix(","), parts[5] == "GMT" { return self.instant(parts[1], parts[2], year: parts[3], parts[4]) }
        if parts.count == 5 { return self.instant(parts[2], parts[1], year: parts[4], parts[3]) }
        return nil
    }

    private static func instant(_ day: some StringProtocol, _ month: some StringProtocol, year: some StringProtocol, _ clock: some StringProtocol) -> Timestamp?
    {
        guard let month = self.months.firstIndex(where: { $0 == month }), let day = Int(day), let number = Int(year),
            let date = CivilDate(year: year.utf8.count == 2 ? self.year(ofTwoDigits: number) : number, month: month + 1, day: day),
            let second = ClockText.parse(clock)
        else { return nil }
        return Timestamp(seconds: date.daysSince1970 * 86_400 + Int64(second))
    }

    /// Nobody names a time before the web was there.
    private static func year(ofTwoDigits year: Int) -> Int { year < 90 ? 2000 + year : 1900 + year }
}
