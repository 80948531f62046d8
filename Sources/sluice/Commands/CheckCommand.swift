import ArgumentParser
import SluiceCore
import SluicePolicy

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Loads and lints a policy, and runs its tests.",
        discussion: "Exit code 0: the policy loads and its tests pass. 1: it does not. 2: there is no policy.")

    @Argument(help: "Policy files and folders; else --config.", completion: .file())
    var paths: [String] = []

    @OptionGroup var policy: PolicyOptions

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func run() throws {
        let console = Console()
        let now = Timestamp.now
        let loaded: LoadedPolicy
        do {
            loaded = try self.policy.read(self.paths, at: now)
        } catch {
            throw CommandFailure(message: error.message).report(as: self.output, on: console)
        }
        let tests = loaded.policy?.runTests(at: now) ?? []
        switch self.output {
        case .json: try console.print(json: CheckReport(loaded, tests: tests))
        case .text: self.show(loaded, tests, at: now, on: console)
        }
        if loaded.hasErrors || !tests.allSatisfy(\.isPassed) { throw ExitCode(1) }
    }

    private func show(_ loaded: LoadedPolicy, _ tests: [PolicyTestOutcome], at now: Timestamp, on console: Console) {
        let text = DiagnosticText(loaded, isColoured: console.isColoured)
        for diagnostic in loaded.diagnostics { console.print(text.text(diagnostic), terminator: "") }
        let marks = console.isUnicode ? (passed: "✓", failed: "✗") : (passed: "ok:", failed: "failed:")
        guard let summary = CheckText(loaded, at: now, mark: marks.passed) else {
            console.print(DiagnosticText.summary(of: loaded))
            return
        }
        console.print(summary.parts)
        if let windows = summary.windows { console.print(windows) }
        if let outcome = CheckText.tests(tests, passed: marks.passed, failed: marks.failed) { console.print(outcome) }
        console.print(summary.figures)
    }
}
