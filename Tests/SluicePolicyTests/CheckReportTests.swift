import FoundationEssentials
import SluiceCore
import Testing

@testable import SluicePolicy

@Suite struct CheckReportTests {
    @Test func saysWhatIsWrongForPrograms() throws {
        let loaded = Sample.load(replacing: "use: [both]", with: "use: [bth]")
        let report = CheckReport(loaded, tests: [])
        #expect(!report.ok)
        #expect(report.policy == nil)
        let item = try #require(report.diagnostics.first)
        #expect([item.severity, item.code, item.file, item.message] == ["error", "unknown_name", "p.yaml", "pool `bth` is not defined"])
        #expect([item.line, item.column, item.length] == [12, 33, 3])
    }

    @Test func whatIsNotKnownIsNull() throws {
        let text = String(decoding: try JSONEncoder().encode(CheckReport(Sample.load("version: 2\n"), tests: [])), as: UTF8.self)
        #expect(text.contains("\"policy\":null"))
        #expect(text.contains("\"hint\":null"))
    }

    @Test func aFailingTestIsANo() throws {
        let loaded = Sample.load(Sample.whole + "tests:\n  - { name: t, request: { model: chat }, expect: { class: patient } }\n")
        let outcomes = try #require(loaded.policy).runTests(at: Sample.now)
        let report = CheckReport(loaded, tests: outcomes)
        #expect(!report.ok)
        #expect(report.tests.first?.why == "class is realtime, expected patient")
        #expect(CheckText.tests(outcomes) == "✗ 1 of 1 test failed\n  p.yaml:19:5: t: class is realtime, expected patient")
    }

    @Test func whatIsWellIsSummedUp() throws {
        let contents = try PolicyFolder(["\(Sample.root)/policies/enterprise"]).read()
        let loaded = PolicyLoader(environment: PolicyEnvironment(), now: Sample.now).load(contents.files)
        let text = try #require(CheckText(loaded, at: Sample.now))
        let policy = try #require(loaded.policy)
        #expect(text.parts == "✓ 3 files, 7 backends, 4 pools, 4 classes, 5 routes, 2 substitutions, 2 budgets")
        #expect(text.windows == "✓ 6 windows: next open — night today 22:00 CET, off-peak today 22:00 CET, ds-cheap now (closes 02:00 CET)")
        #expect(
            text.figures
                == "  metrics: at most 448 label sets · prices as of 2026-11-01 (22 days old) · policy \(policy.revision.prefix(6))")
        #expect(CheckText.tests(policy.runTests(at: Sample.now)) == "✓ 2 tests passed")
    }

    @Test func aWindowThatIsFarAwayHasItsDay() throws {
        let loaded = Sample.load(replacing: "night: { hours: 22:00-06:00 }", with: "night: { days: [sat], hours: 22:00-06:00 }")
        #expect(try #require(CheckText(loaded, at: Sample.now)).windows == "✓ 1 window: next open — night Sat 22:00 UTC")
    }

    @Test func openingsAreListedWhole() throws {
        let policy = try #require(Sample.load(Sample.whole).policy)
        let at = try #require(Timestamp(rfc3339: "2026-11-23T23:00:00Z"))
        let listing = WindowListing(of: policy, in: at..<at + .seconds(86_400))
        #expect(listing.data.map(\.opens) == ["2026-11-23T22:00:00.000Z", "2026-11-24T22:00:00.000Z"])
        #expect(listing.data.map(\.closesLocal) == ["2026-11-24T06:00:00+00:00", "2026-11-25T06:00:00+00:00"])
    }
}
