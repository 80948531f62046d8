import FoundationEssentials
import Glibc

/// The built program, run as people do.
struct Program {
    struct Outcome {
        var status: Int32
        var output: String
        var talk: String
    }

    /// The project's own folder.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// Beside the tests, where SwiftPM puts it.
    static let executable: String = {
        let tests = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path
        let beside = "\(tests)/sluice"
        return FileManager.default.isExecutableFile(atPath: beside) ? beside : "\(Program.root)/.build/debug/sluice"
    }()

    static func sluice(_ arguments: String..., in folder: String = root, environment: [String: String] = [:]) -> Outcome {
        self.run([self.executable] + arguments, in: folder, environment: environment)
    }

    static func run(_ words: [String], in folder: String = root, environment: [String: String] = [:]) -> Outcome {
        let file = FileManager.default.temporaryDirectory.appending(path: "sluice-talk-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        let variables = environment.map { "\($0.key)='\($0.value)'" }.joined(separator: " ")
        let command = "cd '\(folder)' && env -u SLUICE_CONFIG \(variables) \(words.map { "'\($0)'" }.joined(separator: " ")) 2>'\(file)'"
        guard let pipe = popen(command, "r") else { return Outcome(status: -1, output: "", talk: "") }
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = fread(&chunk, 1, chunk.count, pipe)
            if count == 0 { break }
            output += chunk[..<count]
        }
        let status = pclose(pipe)
        let talk = FileManager.default.contents(atPath: file).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return Outcome(status: (status >> 8) & 0xFF, output: String(decoding: output, as: UTF8.self), talk: talk)
    }

    /// A folder that is gone at the end.
    final class Folder: Sendable {
        let path = FileManager.default.temporaryDirectory.appending(path: "sluice-command-\(UUID().uuidString)").path

        init() throws { try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true) }

        func write(_ text: String, to name: String) throws { try Data(text.utf8).write(to: URL(filePath: "\(self.path)/\(name)")) }

        deinit { try? FileManager.default.removeItem(atPath: self.path) }
    }
}
