/// Durations as people write them: `250ms`, `30s`, `5m`, `4h`, `2d`, `36mo` (a month is 30 days here).
package enum DurationText {
    /// nil where the text is no number with one of those units; the number may have decimals.
    package static func parse(_ text: some StringProtocol) -> Duration? {
        let units: [(suffix: String, milliseconds: Int128)] = [
            ("ms", 1), ("mo", 30 * 86_400_000), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
        ]
        guard let unit = units.first(where: { text.hasSuffix($0.suffix) }),
            let thousandths = DecimalText.parse(text.dropLast(unit.suffix.count), decimals: 3), thousandths >= 0,
            let microseconds = Int64(exactly: thousandths * unit.milliseconds)
        else { return nil }
        return .microseconds(microseconds)
    }

    /// The shortest spelling: `1500ms`, `90s`, `36h`, `5d`.
    package static func format(_ duration: Duration) -> String {
        let milliseconds = duration.milliseconds
        for (suffix, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] as [(String, Int64)]
        where milliseconds != 0 && milliseconds % size == 0 { return "\(milliseconds / size)\(suffix)" }
        return "\(milliseconds)ms"
    }
}
