import ArgumentParser
import FoundationEssentials
import SluiceCore
import SluicePolicy

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "check", abstract: "Loads and lints policies, and runs their tests.")

    @Argument(help: "Files or folders; else SLUICE_CONFIG, ./policies or /etc/sluice.")
    var paths: [String] = []

    func run() throws {
        let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        let contents = try PolicyFolder(paths).read()
        let loader = PolicyLoader(environment: PolicyEnvironment(variables: ProcessInfo.processInfo.environment), now: now)
        let loaded = loader.load(contents.files, problems: contents.problems)
        let text = DiagnosticText(loaded)
        for d in loaded.diagnostics { print(text.text(d), terminator: "") }
        print(DiagnosticText.summary(of: loaded))
        for t in loaded.policy?.runTests(at: now) ?? [] { print(t.isPassed ? "ok" : "FAILED", t.name, t.why ?? "") }
        if let e = loaded.effective { print(e.annotatedText, e.revision) }
    }
}
