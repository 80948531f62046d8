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
            Console().talk(message)
            Glibc.exit(64)
        }
        await self.main(arguments)
    }

    /// ArgumentParser suggests options that were mistyped, but not commands.
    static func refusal(of arguments: [String]) -> String? {
        let names = self.configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
        guard let first = arguments.first, !first.hasPrefix("-"), !names.contains(first) else { return nil }
        let hint = NearName.best(for: first, among: names).map { "did you mean `sluice \($0)`?" } ?? "`sluice --help` lists all commands"
        return "sluice: there is no command `\(first.prefix(60))`; \(hint)"
    }
}
