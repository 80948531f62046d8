import SluiceCore
import SluicePolicy

/// The openings of windows as a table, each by the clock that it follows.
struct WindowTable {
    private let rows: [[String]]

    init(_ listing: WindowListing) {
        self.rows = listing.data.map { opening in
            let clock = ZonedClock(opening.zone)
            let names = ZoneAbbreviation(opening.zone)
            let opens = opening.opens.flatMap { Timestamp(rfc3339: $0) }
            let closes = opening.closes.flatMap { Timestamp(rfc3339: $0) }
            func words(_ instant: Timestamp?, else other: String) -> String {
                guard let instant, let clock, let names else { return other }
                let local = clock.local(at: instant)
                return "\(local.day) \(local.clock) \(names.text(at: instant))"
            }
            return [opening.window, words(opens, else: "long ago"), words(closes, else: "never"), WindowTable.length(opens, closes, clock)]
        }
    }

    var text: String {
        guard !self.rows.isEmpty else { return "no window opens in that time\n" }
        let all = [["window", "opens", "closes", "lasts"]] + self.rows
        let widths = (0..<3).map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count + 2) }.joined() + row[3] + "\n"
        }.joined()
    }

    /// `8 h`, and where the clock was changed meanwhile, that.
    private static func length(_ opens: Timestamp?, _ closes: Timestamp?, _ clock: ZonedClock?) -> String {
        guard let opens, let closes, let clock else { return "" }
        let minutes = (closes - opens).milliseconds / 60_000
        let parts = [(minutes / 1440, "d"), (minutes / 60 % 24, "h"), (minutes % 60, "min")].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        let change = clock.offset(at: closes) - clock.offset(at: opens)
        let note = change == 0 ? "" : change > 0 ? "  (the clock goes forward)" : "  (the clock goes back)"
        return parts.joined(separator: " ") + note
    }
}
