import FoundationEssentials
import SluiceCore
import Testing

@testable import SluicePolicy

@Suite struct PolicySourceTests {
    /// A folder that is gone at the end.
    private final class Folder: Sendable {
        let path = FileManager.default.temporaryDirectory.appending(path: "sluice-policy-\(UUID().uuidString)").path

        init(_ text: String) throws {
            try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
            try self.write(text)
        }

        func write(_ text: String, as name: String = "p.yaml") throws {
            try Data(text.utf8).write(to: URL(filePath: "\(self.path)/\(name)"))
        }

        var reader: PolicyReader { PolicyReader(PolicyFolder([self.path]), environment: PolicyEnvironment(purpose: .serve), prices: nil) }

        deinit { try? FileManager.default.removeItem(atPath: self.path) }
    }

    private static let other = Sample.replace("deadline: 24h", with: "deadline: 12h")

    @Test func aNewPolicyReplacesTheOldOne() throws {
        let folder = try Folder(Sample.whole)
        let source = try PolicySource(folder.reader, at: Sample.now)
        let first = source.policy.revision
        try folder.write(Self.other)
        guard case .replaced(let policy, let keys) = source.reload(at: Sample.now) else {
            Issue.record("not replaced")
            return
        }
        #expect(policy.revision != first)
        #expect(source.policy === policy)
        #expect(keys.isEmpty)
    }

    @Test func theSameMeaningIsNoChange() throws {
        let folder = try Folder(Sample.whole)
        let source = try PolicySource(folder.reader, at: Sample.now)
        let before = source.policy
        try folder.write("# a comment\n" + Sample.whole)
        guard case .unchanged = source.reload(at: Sample.now) else {
            Issue.record("changed")
            return
        }
        #expect(source.policy === before)
    }

    @Test(arguments: [
        Sample.whole.replacingFirst("serve: now", with: "sevre: now"),
        Sample.whole + "routes: [",
        String(Sample.whole.prefix(200)),
        "",
        Sample.whole + "tests:\n  - { name: never, request: { model: chat }, expect: { class: patient } }\n",
        Sample.whole + "server: { database: \"postgresql://db.example.com/sluice\" }\n",
    ])
    func anythingWrongKeepsTheOldOne(text: String) throws {
        let folder = try Folder(Sample.whole)
        let source = try PolicySource(folder.reader, at: Sample.now)
        let before = source.policy
        try folder.write(text)
        guard case .refused(let refusal) = source.reload(at: Sample.now) else {
            Issue.record("not refused")
            return
        }
        #expect(source.policy === before)
        #expect(refusal.description.contains("p.yaml:"), "\(refusal)")
        try folder.write(Self.other)
        _ = source.reload(at: Sample.now)
        #expect(source.policy !== before)
    }

    @Test func aFolderThatIsGoneKeepsTheOldOne() throws {
        let folder = try Folder(Sample.whole)
        let source = try PolicySource(folder.reader, at: Sample.now)
        try FileManager.default.removeItem(atPath: folder.path)
        guard case .refused = source.reload(at: Sample.now) else {
            Issue.record("not refused")
            return
        }
    }

    @Test func leniencyLetsFailingTestsAndPreviewsThrough() throws {
        let text =
            Sample.whole
            + "tests:\n  - { name: never, request: { model: chat }, expect: { class: patient } }\nserver: { database: \"postgresql://db.example.com/sluice\" }\n"
        let folder = try Folder(text)
        #expect(throws: PolicySource.Refusal.self) { try PolicySource(folder.reader, leniency: .preview, at: Sample.now) }
        #expect(throws: PolicySource.Refusal.self) { try PolicySource(folder.reader, leniency: .failingTests, at: Sample.now) }
        #expect(try PolicySource(folder.reader, leniency: [.preview, .failingTests], at: Sample.now).policy.server.database != .sqlite(path: nil))
    }

    @Test func whatWaitsForARestartIsNamed() throws {
        let folder = try Folder(Sample.whole)
        let source = try PolicySource(folder.reader, at: Sample.now)
        try folder.write("server: { listen: 127.0.0.1:8888, on_ledger_full: refuse }\n", as: "q.yaml")
        guard case .refused = source.reload(at: Sample.now) else {
            Issue.record("a file without version was taken")
            return
        }
        try folder.write("version: 1\nserver: { listen: 127.0.0.1:8888, on_ledger_full: refuse }\n", as: "q.yaml")
        guard case .replaced(_, let keys) = source.reload(at: Sample.now) else {
            Issue.record("not replaced")
            return
        }
        #expect(keys == ["listen"])
    }

    @Test func followersGetTheNewest() async throws {
        let folder = try Folder(Sample.whole)
        let source = try PolicySource(folder.reader, at: Sample.now)
        var policies = source.newPolicies().makeAsyncIterator()
        try folder.write(Self.other)
        _ = source.reload(at: Sample.now)
        try folder.write(Sample.replace("deadline: 24h", with: "deadline: 6h"))
        _ = source.reload(at: Sample.now)
        #expect(await policies.next() === source.policy)
    }

    @Test func theWatchReloadsOncePerTrigger() async throws {
        let folder = try Folder(Sample.whole)
        let source = try PolicySource(folder.reader, at: Sample.now)
        let before = source.policy
        try folder.write(Self.other)
        let (triggers, continuation) = AsyncStream.makeStream(of: PolicyWatch.Trigger.self)
        continuation.yield(.signal)
        continuation.finish()
        await PolicyWatch(source, now: { Sample.now }).run(triggers: triggers)
        #expect(source.policy !== before)
    }

    @Test func stampsTellAChangeAndNothingElse() throws {
        let folder = try Folder(Sample.whole)
        let stamps = FileStamps(of: PolicyFolder([folder.path]))
        #expect(FileStamps(of: PolicyFolder([folder.path])) == stamps)
        try folder.write("not a policy", as: ".p.yaml.swp")
        try folder.write("not a policy", as: "p.yaml~")
        #expect(FileStamps(of: PolicyFolder([folder.path])) == stamps)
        try folder.write(Self.other)
        #expect(FileStamps(of: PolicyFolder([folder.path])) != stamps)
    }
}
