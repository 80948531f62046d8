import FoundationEssentials
import SluiceCore
import Testing

@testable import SluicePolicy

/// The example policies of the project load, and pass their own tests.
@Suite struct ExamplePolicyTests {
    static let names = ["quickstart", "starter", "enterprise", "hybrid-onprem"]

    private func load(_ name: String) throws -> LoadedPolicy {
        let contents = try PolicyFolder(["\(Sample.root)/policies/\(name)"]).read()
        return PolicyLoader(environment: PolicyEnvironment(), now: Sample.now).load(contents.files, problems: contents.problems)
    }

    @Test(arguments: names)
    func loadsAndPassesItsTests(name: String) throws {
        let policy = try #require(try self.load(name).policy)
        let outcomes = policy.runTests(at: Sample.now)
        #expect(outcomes.count >= 2)
        #expect(outcomes.compactMap { $0.why } == [])
    }

    @Test func theQuickStartNeedsNothingThatIsNotThere() throws {
        let loaded = try self.load("quickstart")
        #expect(loaded.diagnostics.isEmpty, "\(loaded.diagnostics)")
        #expect(loaded.policy?.backends.allSatisfy { $0.api == .simulated } == true)
    }

    @Test func theFoldersAreAllKnown() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: "\(Sample.root)/policies").filter { !$0.contains(".") }
        #expect(Set(folders) == Set(Self.names))
    }

    @Test(arguments: names)
    func theEffectivePolicyMeansTheSame(name: String) throws {
        let loaded = try self.load(name)
        let effective = try #require(loaded.effective)
        let again = Sample.load(effective.text)
        #expect(again.policy != nil, "\(again.findings)")
        #expect(again.effective?.text == effective.text)
        #expect(again.policy?.revision == loaded.policy?.revision)
    }

    @Test func oneFileOrThreeMakeTheSamePolicy() throws {
        let folder = "\(Sample.root)/policies/enterprise"
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        let whole = try files.map { try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8) }.enumerated().map { index, text in
            index == 0 ? text : text.replacingFirst("version: 1\n", with: "")
        }.joined(separator: "\n")
        let parts = try self.load("enterprise")
        #expect(Sample.load(whole).policy?.revision == parts.policy?.revision)
    }
}
