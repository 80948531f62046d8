/// Durations as people write them: `250ms`, `30s`, `5m`, `4h`, `2d`, `36mo` (a month is 30 days here).
package enum DurationText {
    /// A century: some of them can be added up, and to any instant, without leaving what clocks count in.
    package static let longest = Duration.seconds(36_500 * 86_400)

    /// nil where the text is no number with one of those units, or more than ``longest``; the number may have decimals.
    package static func parse(_ text: some StringProtocol) -> Duration? {
        self.number(text).flatMap { $0 <= Int128(self.longest.milliseconds) * 1000 ? .microseconds(Int64($0)) : nil }
    }

    /// Whether the text is a duration, but more than ``longest``.
    package static func isTooLong(_ text: some StringProtocol) -> Bool {
        self.number(text).map { $0 > Int128(self.longest.milliseconds) * 1000 } ?? false
    }

    /// In microseconds.
    private static func number(_ text: some StringProtocol) -> Int128? {
        let units: [(suffix: String, milliseconds: Int128)] = [
            ("ms", 1), ("mo", 30 * 86_400_000), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
        ]
        guard let unit = units.first(where: { text.hasSuffix($0.suffix) }),
            let thousandths = DecimalText.parse(text.dropLast(unit.suffix.count), decimals: 3), thousandths >= 0
        else { return nil }
        let (microseconds, overflow) = thousandths.multipliedReportingOverflow(by: unit.milliseconds)
        return overflow ? .max : microseconds
    }

    /// The shortest spelling: `1500ms`, `90s`, `36h`, `5d`.
    package static func format(_ duration: Duration) -> String {
        let milliseconds = duration.milliseconds
        for (suffix, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] as [(String, Int64)]
        where milliseconds != 0 && milliseconds % size == 0 { return "\(milliseconds / size)\(suffix)" }
        return "\(milliseconds)ms"
    }
}
