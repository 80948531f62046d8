import FoundationEssentials
import SluiceCore
import Testing

@testable import SluicePolicy

/// Bad policies as files, with what must be said of each (`Tests/Corpus/policies/expect.tsv`).
@Suite struct CorpusTests {
    private static let folder = "Tests/Corpus/policies"

    /// By file: severity, code, place, message and hint of everything but notes.
    private static let expected: [String: [String]] = {
        let lines = ((try? Sample.file("\(folder)/expect.tsv")) ?? "").split(separator: "\n").filter { !$0.hasPrefix("#") }
        return Dictionary(grouping: lines) { String($0.prefix { $0 != "\t" }) }.mapValues { rows in
            rows.map { String($0.drop { $0 != "\t" }.dropFirst()) }.filter { !$0.hasPrefix("none") }
        }
    }()

    @Test(arguments: expected.keys.sorted())
    func saysWhatIsWrongAndNothingElse(name: String) throws {
        let bytes = try #require(FileManager.default.contents(atPath: "\(Sample.root)/\(Self.folder)/\(name).yaml"))
        let loader = PolicyLoader(environment: PolicyEnvironment(), now: Timestamp(rfc3339: "2026-11-26T08:00:00Z") ?? .distantPast)
        let loaded = loader.load([PolicyFile(path: "\(name).yaml", bytes: Array(bytes))])
        let found = loaded.diagnostics.filter { $0.severity != .note }.map { diagnostic in
            [
                diagnostic.severity.rawValue, diagnostic.code.rawValue, "\(diagnostic.span.place.line):\(diagnostic.span.place.column)",
                diagnostic.message,
                diagnostic.hint ?? "",
            ].joined(separator: "\t")
        }
        #expect(found == Self.expected[name] ?? [])
        #expect((loaded.policy == nil) == loaded.hasErrors)
    }

    @Test func everyFileIsExpected() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(Sample.root)/\(Self.folder)").filter { $0.hasSuffix(".yaml") }
        #expect(Set(files.map { String($0.dropLast(5)) }) == Set(Self.expected.keys))
    }

    @Test func nothingSecretIsEverShown() throws {
        for name in Self.expected.keys.sorted() where name.contains("secret") || name.contains("credentials") {
            let loaded = Sample.load(try Sample.file("\(Self.folder)/\(name).yaml"))
            let text = DiagnosticText(loaded)
            #expect(!loaded.diagnostics.map(text.text).joined().contains("hunter2"), "\(name)")
        }
    }
}
