import ArgumentParser

/// How a reading command prints.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// What kept a command from answering: exit code 2, in words or as `sluice.error/v1`.
struct CommandFailure: Encodable {
    struct Place: Encodable {
        var file: String
        var line: Int
        var column: Int
    }

    var schema = "sluice.error/v1"
    var message: String
    var places: [Place] = []
    var hint: String?

    /// Says it on stderr; the command then ends with what is returned.
    func report(as format: OutputFormat, on console: Console = Console()) -> ExitCode {
        switch format {
        case .text: console.talk("sluice: \(self.message)\(self.hint.map { "\n  \($0)" } ?? "")")
        case .json: console.talk((try? Console.json(self)) ?? self.message)
        }
        return ExitCode(2)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(self.schema, forKey: .schema)
        try container.encode(self.message, forKey: .message)
        try container.encode(self.places, forKey: .places)
        try container.encode(self.hint, forKey: .hint)
    }

    private enum CodingKeys: String, CodingKey {
        case schema, message, places, hint
    }
}
