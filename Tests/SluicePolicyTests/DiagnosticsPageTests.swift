import SluiceCore
import Testing

@testable import SluicePolicy

/// `docs/diagnostics.md` has every slug, and its examples are reported with it.
@Suite struct DiagnosticsPageTests {
    /// What stands below each heading.
    private static let sections: [String: String] = {
        let page = (try? Sample.file("docs/diagnostics.md")) ?? ""
        var sections: [String: String] = [:]
        var heading = ""
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("## ") { heading = String(line.dropFirst(3)) } else { sections[heading, default: ""] += line + "\n" }
        }
        return sections
    }()

    /// What no text in a file can show.
    private static let withoutExample: Set<Diagnostic.Code> = [.fileTooLarge, .fileUnreadable, .notUTF8, .outsideFolder]

    @Test(arguments: Diagnostic.Code.allCases)
    func hasTheSlugWithAnExample(code: Diagnostic.Code) throws {
        let section = try #require(Self.sections[code.rawValue], "the page has no section \(code.rawValue)")
        guard !Self.withoutExample.contains(code) else { return }
        let example = section.split(separator: "```yaml\n").dropFirst().first?.split(separator: "```").first
        let text = try #require(example.map(String.init), "the section \(code.rawValue) has no example")
        let loaded = Sample.load(text.contains("version:") ? text : "version: 1\n" + text)
        #expect(loaded.diagnostics.contains { $0.code == code }, "\(loaded.diagnostics)")
    }

    @Test func hasNoOtherSection() {
        #expect(Set(Self.sections.keys).subtracting(Diagnostic.Code.allCases.map(\.rawValue)) == [""])
    }
}
