import ArgumentParser
import SluiceCore
import SluicePolicy

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Prints the whole policy with every default filled in, and where each value comes from.",
        discussion: "Secrets are named, never shown.")

    @OptionGroup var policy: PolicyOptions

    @Flag(help: "The policy in force: all files merged, every default filled in.")
    var effective = false

    @Option(help: "text (YAML) or json.")
    var output = OutputFormat.text

    func validate() throws {
        guard self.effective else { throw ValidationError("say `sluice config --effective`.") }
    }

    func run() throws {
        let console = Console()
        let loaded: LoadedPolicy
        do {
            loaded = try self.policy.read(at: .now)
        } catch {
            throw CommandFailure(message: error.message).report(as: self.output, on: console)
        }
        guard let policy = loaded.policy, let effective = loaded.effective else {
            throw CommandFailure(loaded, console).report(as: self.output, on: console)
        }
        switch self.output {
        case .json: try console.print(json: ConfigReport(policy: policy.revision, values: effective.values))
        case .text:
            console.print("# policy \(policy.revision)")
            console.print(effective.annotatedText, terminator: "")
        }
    }
}

/// `sluice.config/v1`: every value that holds, secrets by their names.
struct ConfigReport: Codable {
    var schema = "sluice.config/v1"
    var policy: String
    var values: [EffectivePolicy.Value]
}
