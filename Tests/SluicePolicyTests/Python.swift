import Glibc

/// A Python that has what a test needs.
struct Python {
    private let path = "/usr/bin/env"

    /// nil where Python or one of the modules is missing; the test then has nothing to compare with.
    static func withModules(_ modules: String...) -> Python? {
        let python = Python()
        return python.run(["-c", "import \(modules.joined(separator: ", "))"]).status == 0 ? python : nil
    }

    func run(_ arguments: [String]) -> (status: Int32, output: String) {
        let command = (["python3"] + arguments).map { "'\($0)'" }.joined(separator: " ") + " 2>&1"
        guard let pipe = popen(command, "r") else { return (-1, "") }
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = fread(&chunk, 1, chunk.count, pipe)
            if count == 0 { break }
            output += chunk[..<count]
        }
        let status = pclose(pipe)
        return ((status >> 8) & 0xFF, String(decoding: output, as: UTF8.self))
    }
}
