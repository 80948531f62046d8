import SluiceCore
import Testing

@testable import SluicePolicy

/// Ten years of windows in nine zones, against what Python's zoneinfo worked out (`Fixtures/make_windows.py`).
@Suite struct WindowsAgainstZoneinfoTests {
    private static let calendar: WindowCalendar? = {
        guard let text = try? Sample.file("Tests/SluicePolicyTests/Fixtures/windows.yaml") else { return nil }
        return Sample.load(text).policy?.calendar
    }()

    private static let zones = [
        "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "Pacific/Chatham",
        "America/St_Johns", "Africa/Casablanca",
        "Pacific/Apia",
    ]

    private func rows(_ file: String) throws -> [[Substring]] {
        try Sample.file("Tests/SluicePolicyTests/Fixtures/\(file)").split(separator: "\n").map { $0.split(separator: "\t") }
    }

    @Test(arguments: zones)
    func everyOpeningOfTenYearsIsTheSame(zone: String) throws {
        let calendar = try #require(Self.calendar)
        let from = try #require(Timestamp(rfc3339: "2019-12-20T00:00:00Z"))
        let until = try #require(Timestamp(rfc3339: "2030-01-11T00:00:00Z"))
        var openings: [String: [Range<Timestamp>]] = [:]
        for row in try self.rows("windows.tsv") where row[0] == zone {
            let window = String(row[1])
            let all = openings[window] ?? calendar.intervals(of: .named(window), in: from..<until).intervals
            openings[window] = all
            let year = try #require(Int64(row[2]))
            let own = all.filter { Self.year(of: $0.lowerBound) == year }
            #expect(own.count == Int(row[3]), "\(window) \(year)")
            #expect(Self.hash(own) == row[4], "\(window) \(year)")
        }
        #expect(openings.count == 14)
    }

    @Test func oddNightsAreAsTheyWereWorkedOut() throws {
        let calendar = try #require(Self.calendar)
        for row in try self.rows("odd-nights.tsv") {
            let opens = try #require(Timestamp(rfc3339: row[1]))
            let closes = try #require(Timestamp(rfc3339: row[2]))
            #expect(calendar.nextOpening(of: .named(String(row[0])), from: opens) == opens..<closes, "\(row)")
            #expect(!calendar.isOpen(.named(String(row[0])), at: opens - .milliseconds(1)), "\(row)")
            #expect(!calendar.isOpen(.named(String(row[0])), at: closes), "\(row)")
        }
    }

    private static func year(of instant: Timestamp) -> Int64 {
        Int64(instant.description.prefix(4)) ?? 0
    }

    /// FNV-1a over the lines `OPENS CLOSES`, in seconds.
    private static func hash(_ openings: [Range<Timestamp>]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for opening in openings {
            for byte in "\(opening.lowerBound.seconds) \(opening.upperBound.seconds)\n".utf8 {
                hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
            }
        }
        let hex = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - hex.count) + hex
    }
}
