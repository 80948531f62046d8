import FoundationEssentials
import Glibc

/// Where a command prints: data to stdout, talk to stderr.
struct Console {
    let environment: [String: String]

    init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        self.environment = environment
    }

    /// Colour only on a terminal that has any, never with `NO_COLOR`, always with `CLICOLOR_FORCE`.
    var isColoured: Bool {
        if !(self.environment["NO_COLOR"] ?? "").isEmpty { return false }
        if !["", "0"].contains(self.environment["CLICOLOR_FORCE"] ?? "") { return true }
        return isatty(STDOUT_FILENO) == 1 && self.environment["TERM"] != "dumb"
    }

    /// Whether the terminal shows more than ASCII.
    var isUnicode: Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { self.environment[$0] }.first { !$0.isEmpty } ?? "UTF-8"
        return locale.lowercased().contains("utf") || isatty(STDOUT_FILENO) == 0
    }

    func print(_ text: String, terminator: String = "\n") {
        Console.write(text + terminator, to: STDOUT_FILENO)
    }

    func talk(_ text: String) {
        Console.write(text + "\n", to: STDERR_FILENO)
    }

    /// All of stdin.
    func readAll() -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(STDIN_FILENO, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
    }

    func print(json value: some Encodable) throws {
        self.print(try Console.json(value))
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    func print(lines: [[UInt8]]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(lines.reduce(0) { $0 + $1.count + 1 })
        for line in lines {
            bytes += line
            bytes.append(0x0A)
        }
        Console.write(bytes, to: STDOUT_FILENO)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        self.write(Array(text.utf8), to: descriptor)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            // Nobody reads any more; there is nobody to tell either.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
