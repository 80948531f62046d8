import ArgumentParser
import SluiceCore
import SluicePolicy

struct SchemaCommand: ParsableCommand {
    enum Output: String, ExpressibleByArgument, CaseIterable {
        case json, md
    }

    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Prints the JSON Schema of policies, or of an output.",
        discussion: "Editors complete and check a policy whose first line is\n  # yaml-language-server: $schema=./sluice.schema.json")

    @Argument(help: "An output (\(OutputSchema.all.map(\.name).joined(separator: ", "))); else the policy.")
    var name = "policy"

    @Option(help: "json, or md: the reference of the policy language.")
    var output = Output.json

    func validate() throws {
        let names = OutputSchema.all.map(\.name) + ["policy"]
        guard !names.contains(self.name) else { return }
        let hint = NearName.best(for: self.name, among: names).map { "did you mean `\($0)`?" } ?? names.joined(separator: ", ")
        throw ValidationError("there is no schema `\(self.name)`; \(hint)")
    }

    func run() throws {
        let console = Console()
        switch self.output {
        case .md: console.print(PolicyReference.markdown, terminator: "")
        case .json: try console.print(json: OutputSchema.all.first { $0.name == self.name }?.json ?? PolicySchema.json)
        }
    }
}
