import FoundationEssentials
import SluiceCore
import Testing

@testable import SluicePolicy

@Suite struct SecretReaderTests {
    private func read(_ parts: [SecretText.Part], _ variables: [String: String] = [:]) throws -> String {
        try SecretReader(environment: PolicyEnvironment(variables: variables)).read(SecretText(parts: parts))
    }

    /// A file that is gone at the end.
    private final class SecretFile: Sendable {
        let name = "sluice-secret-\(UUID().uuidString)"
        let folder = FileManager.default.temporaryDirectory.path
        var path: String { "\(self.folder)/\(self.name)" }

        init(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(filePath: "\(self.folder)/\(self.name)")) }

        deinit { try? FileManager.default.removeItem(atPath: self.path) }
    }

    @Test func readsTheEnvironmentAroundLiterals() throws {
        #expect(try self.read([.literal("Bearer "), .environment("A", fallback: nil)], ["A": "x"]) == "Bearer x")
        #expect(try self.read([.environment("A", fallback: "y")]) == "y")
        #expect(try self.read([.environment("A", fallback: "y")], ["A": ""]) == "y")
    }

    @Test func theLineEndOfAFileIsNoPartOfTheSecret() throws {
        let file = try SecretFile(Array("abc\r\n".utf8))
        #expect(try self.read([.file(file.path)]) == "abc")
    }

    @Test func credentialsComeFromTheFolderOfSystemd() throws {
        let file = try SecretFile(Array("abc\n".utf8))
        #expect(try self.read([.credential(file.name)], ["CREDENTIALS_DIRECTORY": file.folder]) == "abc")
    }

    @Test func whatCannotStandInAHeaderIsRefused() throws {
        #expect(throws: SecretReader.Unreadable.self) { try self.read([.environment("A", fallback: nil)]) }
        #expect(throws: SecretReader.Unreadable.self) { try self.read([.environment("A", fallback: nil)], ["A": ""]) }
        #expect(throws: SecretReader.Unreadable.self) { try self.read([.environment("A", fallback: nil)], ["A": "a\nb"]) }
        #expect(throws: SecretReader.Unreadable.self) { try self.read([.file("/nonexistent")]) }
        let twoLines = try SecretFile(Array("a\nb".utf8))
        #expect(throws: SecretReader.Unreadable.self) { try self.read([.file(twoLines.path)]) }
        let noText = try SecretFile([0xFF, 0xFE])
        #expect(throws: SecretReader.Unreadable.self) { try self.read([.file(noText.path)]) }
    }

    @Test func aMissingFileIsNotedByCheckAndRefusedByServe() {
        let text = Sample.replace("first: { url", with: "first: { key: \"${file:/nonexistent}\", url")
        func load(_ purpose: PolicyEnvironment.Purpose) -> LoadedPolicy {
            PolicyLoader(environment: PolicyEnvironment(purpose: purpose) { _ in false }, now: Sample.now).load([
                PolicyFile(path: "p.yaml", text: text)
            ])
        }
        #expect(load(.check).first(.unsetVariable)?.message == "the file `/nonexistent` is not there, or cannot be read")
        #expect(load(.check).policy != nil)
        #expect(load(.serve).policy == nil)
    }
}
