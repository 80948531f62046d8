import ArgumentParser
import SluiceCore

/// How a reading command prints.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// What kept a command from answering: exit code 2, in words or as `sluice.error/v1`.
struct CommandFailure: Codable {
    struct Place: Codable {
        var file: String
        var line: Int
        var column: Int
    }

    var schema = "sluice.error/v1"
    var message: String
    var places: [Place] = []
    @OrNull var hint: String?

    /// Says it on stderr; the command then ends with what is returned.
    func report(as format: OutputFormat, on console: Console = Console()) -> ExitCode {
        switch format {
        case .text: console.talk("sluice: \(self.message)\(self.hint.map { "\n  \($0)" } ?? "")")
        case .json: console.talk((try? Console.json(self)) ?? self.message)
        }
        return ExitCode(2)
    }
}
