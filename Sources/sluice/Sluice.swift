import ArgumentParser
import Glibc
import SluiceCore

@main
struct Sluice: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sluice",
        abstract: "Decides for every inference request who answers it, when, and at what price.",
        version: "0.1.0-dev",
        subcommands: [
            AuditCommand.self, CheckCommand.self, ConfigCommand.self, DemoCommand.self, DoctorCommand.self, ExplainCommand.self, ExportCommand.self,
            InitCommand.self, KeysCommand.self, PricesCommand.self, QueueCommand.self, ReportCommand.self, SchemaCommand.self, ServeCommand.self,
            VerifyCommand.self, WindowsCommand.self,
        ])

    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if let message = self.refusal(of: arguments) {
            if self.wantsJSON(arguments) { self.leave(saying: message) }
            Console().talk("sluice: \(message)")
            Glibc.exit(self.misuse)
        }
        do {
            var command = try await self.asyncParseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
        } catch {
            if self.wantsJSON(arguments), self.exitCode(for: error).rawValue == self.misuse { self.leave(saying: self.message(for: error)) }
            self.exit(withError: error)
        }
    }

    /// The exit code where the arguments cannot be understood.
    private static let misuse: Int32 = 64

    /// Whether an error is wanted as JSON, before anybody has understood the arguments.
    static func wantsJSON(_ arguments: [String]) -> Bool {
        let arguments = arguments.prefix { $0 != "--" }
        return arguments.contains("--output=json") || zip(arguments, arguments.dropFirst()).contains { $0 == "--output" && $1 == "json" }
    }

    private static func leave(saying message: String) -> Never {
        _ = CommandFailure(message: message).report(as: .json)
        Glibc.exit(self.misuse)
    }

    /// ArgumentParser suggests options that were mistyped, but not commands.
    static func refusal(of arguments: [String]) -> String? {
        let names = self.configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
        guard let first = arguments.first, !first.hasPrefix("-"), !names.contains(first) else { return nil }
        let hint = NearName.best(for: first, among: names).map { "did you mean `sluice \($0)`?" } ?? "`sluice --help` lists all commands"
        return "there is no command `\(first.prefix(60))`; \(hint)"
    }
}
