import FoundationEssentials
package import SluiceCore

/// What people of a zone call its time: `CET`, `CEST`. Foundation knows only `GMT+1` on Linux.
package struct ZoneAbbreviation: Sendable {
    private let clock: ZonedClock
    /// By seconds east of UTC; summer and winter of today's rule, the last line of the zone's file.
    private let names: [Int: String]

    /// nil for a zone that the system does not know.
    package init?(_ zone: String, folder: String = "/usr/share/zoneinfo") {
        guard let clock = ZonedClock(zone) else { return nil }
        self.clock = clock
        let bytes = FileManager.default.contents(atPath: "\(folder)/\(zone)").map(Array.init) ?? []
        let rule = bytes.split(separator: UInt8(ascii: "\n")).last ?? []
        self.names = ZoneAbbreviation.names(inRule: String(decoding: rule, as: UTF8.self))
    }

    /// The word for the time at `instant`; `UTC+1` where there is none.
    package func text(at instant: Timestamp) -> String {
        let offset = self.clock.offset(at: instant)
        if let name = self.names[offset] { return name }
        if offset == 0 { return "UTC" }
        let minutes = abs(offset) / 60
        return "UTC\(offset < 0 ? "-" : "+")\(minutes / 60)\(minutes % 60 == 0 ? "" : ":\(minutes % 60)")"
    }

    /// Reads a POSIX rule such as `CET-1CEST,M3.5.0,M10.5.0/3` or `<+1030>-10:30<+11>-11,M10.1.0,M4.1.0`.
    static func names(inRule rule: String) -> [Int: String] {
        var rest = rule.prefix { $0 != "," }
        guard let standard = self.name(&rest), let west = self.offset(&rest) else { return [:] }
        var names = [-west: standard]
        guard let summer = self.name(&rest) else { return names }
        names[self.offset(&rest).map { -$0 } ?? -west + 3600] = summer
        return names
    }

    private static func name(_ rest: inout Substring) -> String? {
        if rest.hasPrefix("<"), let end = rest.firstIndex(of: ">") {
            defer { rest = rest[end...].dropFirst() }
            return "UTC" + rest[..<end].dropFirst()
        }
        let name = rest.prefix { $0.isLetter }
        rest = rest.dropFirst(name.count)
        return name.count >= 3 ? String(name) : nil
    }

    /// Seconds west of UTC: POSIX counts that way.
    private static func offset(_ rest: inout Substring) -> Int? {
        let text = rest.prefix { $0.isNumber || "+-:".contains($0) }
        guard !text.isEmpty else { return nil }
        rest = rest.dropFirst(text.count)
        let parts = text.drop { "+-".contains($0) }.split(separator: ":").compactMap { Int($0) }
        let seconds = zip(parts, [3600, 60, 1]).map(*).reduce(0, +)
        return text.hasPrefix("-") ? -seconds : seconds
    }
}
