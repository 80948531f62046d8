import SluiceCore
import Testing

@testable import SluicePolicy

@Suite struct SecretTests {
    /// Everything that is ever printed about a policy.
    private func everything(_ loaded: LoadedPolicy) -> String {
        let text = DiagnosticText(loaded)
        return loaded.diagnostics.map(text.text).joined() + (loaded.effective?.annotatedText ?? "")
    }

    @Test(arguments: [
        ("url: https://api.example.com/v1", "key: hunter2hunter2, url: https://api.example.com/v1"),
        ("url: https://api.example.com/v1", "key: sk-proj-hunter2hunter2abc1, url: https://api.example.com/v1"),
        ("first: m", "first: sk-proj-hunter2hunter2abc1"),
        ("url: https://api.example.com/v1", "api_key: hunter2hunter2, url: https://api.example.com/v1"),
        ("url: https://api.example.com/v1", "headers: { x-api-key: hunter2hunter2 }, url: https://api.example.com/v1"),
        ("url: https://api.example.com/v1", "headers: { x-team: sk-hunter2hunter2hunter2 }, url: https://api.example.com/v1"),
        ("url: https://api.example.com/v1", "url: https://user:hunter2@api.example.com/v1"),
        ("windows:", "server: { database: \"postgresql://u:hunter2@db/x\" }\nwindows:"),
        ("night: {", "sk-proj-hunter2hunter2abc1: {"),
    ])
    func aLiteralIsRefusedAndNeverShown(old: String, new: String) {
        let loaded = Sample.load(replacing: old, with: new)
        #expect(loaded.policy == nil)
        #expect(!self.everything(loaded).contains("hunter2"), "\(self.everything(loaded))")
    }

    @Test func anotherErrorOnTheLineDoesNotShowIt() {
        let loaded = Sample.load(replacing: "url: https://api.example.com/v1", with: "key: hunter2hunter2, ulr: https://api.example.com/v1")
        #expect(loaded.first(.unknownKey) != nil)
        #expect(!self.everything(loaded).contains("hunter2"))
    }

    @Test func noErrorOfTheParserShowsIt() {
        let loaded = Sample.load("version: 1\nbackends:\n  a: { key: hunter2hunter2, url: [ }\n")
        #expect(loaded.first(.yamlSyntax) != nil)
        #expect(!self.everything(loaded).contains("hunter2"))
    }

    @Test func theMessageNamesTheVariableToUse() {
        let loaded = Sample.load(replacing: "url: https://api.example.com/v1", with: "key: hunter2, url: https://api.example.com/v1")
        #expect(loaded.first(.secretLiteral)?.hint == "write  key: ${FIRST_API_KEY}")
    }

    @Test func referencesAreKeptAndNotRead() throws {
        let loaded = Sample.load(
            replacing: "url: https://api.example.com/v1", with: "key: \"${A_KEY:-none}\", url: https://api.example.com/v1",
            environment: ["A_KEY": "hunter2"])
        let policy = try #require(loaded.policy)
        #expect(policy.backends[0].key?.parts == [.environment("A_KEY", fallback: "none")])
        #expect(!self.everything(loaded).contains("hunter2"))
        #expect(loaded.effective?.text.contains("key: ${A_KEY:-••••}") == false)
        #expect(loaded.effective?.text.contains("${A_KEY:-") == true)
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

    @Test(arguments: [
        ("sk-proj-abcdefgh12345678", true), ("sk-learn", false), ("gsk_abcdefghijklmn0pqrst", true), ("AKIAIOSFODNN7EXAMPLE", true),
        ("chat-large-2026-05-01", false), ("xai-grok-4-fast-reasoning", false), ("fw_llama-v3p1-405b-instruct", false),
    ])
    func keysAreToldByTheirShape(text: String, isKey: Bool) {
        #expect(SecretShape.holdsKey("value \(text), more") == isKey)
    }

    @Test func masksKeepTheWidth() {
        #expect(SecretShape.mask("  key: sk-proj-abcdefgh12345678 # x") == "  key: \(String(repeating: "•", count: 24)) # x")
    }
}
