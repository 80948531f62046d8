import SluiceCore
import Testing

@testable import SluicePolicy

@Suite struct ZoneTests {
    @Test(arguments: [
        ("CET-1CEST,M3.5.0,M10.5.0/3", [3600: "CET", 7200: "CEST"]),
        ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", [37_800: "UTC+1030", 39_600: "UTC+11"]),
        ("IST-5:30", [19_800: "IST"]), ("EST5EDT,M3.2.0,M11.1.0", [-18_000: "EST", -14_400: "EDT"]), ("UTC0", [0: "UTC"]), ("", [:]),
        ("rubbish", [:]),
    ])
    func rulesOfTheZoneFilesAreRead(rule: String, names: [Int: String]) {
        #expect(ZoneAbbreviation.names(inRule: rule) == names)
    }

    @Test func winterAndSummerHaveTheirWords() throws {
        let berlin = try #require(ZoneAbbreviation("Europe/Berlin"))
        #expect(berlin.text(at: try #require(Timestamp(rfc3339: "2026-01-01T00:00:00Z"))) == "CET")
        #expect(berlin.text(at: try #require(Timestamp(rfc3339: "2026-07-01T00:00:00Z"))) == "CEST")
        #expect(ZoneAbbreviation("Mars/Base") == nil)
    }

    @Test func withoutAFileTheOffsetIsTheWord() throws {
        let kolkata = try #require(ZoneAbbreviation("Asia/Kolkata", folder: "/nonexistent"))
        #expect(kolkata.text(at: Sample.now) == "UTC+5:30")
    }

    @Test(arguments: [
        ("Europe/Berlin", true), ("UTC", true), ("Asia/Kolkata", true), ("US/Eastern", true), ("PST", false), ("GMT+2", false),
        ("Europe/Berln", false), ("../UTC", false), ("", false),
    ])
    func onlyNamesOfTheDatabaseAreZones(name: String, isKnown: Bool) {
        #expect(ZoneName.isKnown(name) == isKnown)
    }

    @Test(arguments: [
        ("Europe/Berln", "Europe/Berlin"), ("berlin", "Europe/Berlin"), ("utc", "UTC"), ("America/Newyork", "America/New_York"),
    ])
    func aSlipIsPutRight(name: String, meant: String) {
        #expect(ZoneName.near(name).contains(meant))
    }
}
