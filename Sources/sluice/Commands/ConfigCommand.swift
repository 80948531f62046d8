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

    func validate() throws {
        guard self.effective else { throw ValidationError("say `sluice config --effective`.") }
    }

    func run() throws {
        let console = Console()
        let loaded: LoadedPolicy
        do {
            loaded = try self.policy.read(at: .now)
        } catch {
            throw CommandFailure(message: error.message).report(as: .text, on: console)
        }
        guard let policy = loaded.policy, let effective = loaded.effective else {
            throw CommandFailure(loaded, console).report(as: .text, on: console)
        }
        console.print("# policy \(policy.revision)")
        console.print(effective.annotatedText, terminator: "")
    }
}
