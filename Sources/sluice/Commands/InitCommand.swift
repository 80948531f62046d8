import ArgumentParser
import FoundationEssentials
import SluicePolicy

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Writes a first policy and its schema into ./policies.",
        discussion: "Asks nothing, and overwrites nothing.")

    @Argument(help: "The folder.", completion: .directory)
    var folder = "policies"

    func run() throws {
        let console = Console()
        let policy = self.folder + "/10-policy.yaml"
        if let found = self.existing {
            console.talk("sluice: \(found) is there already; nothing was written")
            throw ExitCode(1)
        }
        do {
            try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
            try Data(StarterPolicy.text.utf8).write(to: URL(filePath: policy))
            try Data((try Console.json(PolicySchema.json) + "\n").utf8).write(to: URL(filePath: self.folder + "/sluice.schema.json"))
        } catch {
            throw CommandFailure(message: "\(self.folder) cannot be written: \(error)").report(as: .text, on: console)
        }
        let config = self.folder == "policies" ? "" : " --config \(self.folder)"
        console.print("\(policy) is written. Look at it, then:\n  sluice check\(config)\n  sluice serve\(config)")
    }

    /// A policy that stands in the folder.
    private var existing: String? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: self.folder)) ?? []
        return names.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.sorted().first.map { "\(self.folder)/\($0)" }
    }
}
