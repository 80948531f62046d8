import FoundationEssentials
import SluiceTesting

/// What a process asked of the disk, in the order in which the system answered, read off `strace`.
struct SystemTrace {
    enum Event {
        case opened(Int, path: String, isNew: Bool, isEmptied: Bool)
        case closed(Int)
        /// Without a place: behind what was written last.
        case wrote(Int, [UInt8], at: Int?)
        case truncated(Int, to: Int)
        case synced(Int)
        case renamed(String, to: String)
        case removed(String)
        case made(folder: String)
    }

    private(set) var events: [Event] = []

    static let calls = "openat,close,write,pwrite64,fsync,fdatasync,ftruncate,rename,unlink,mkdir"

    /// Runs a command under `strace`, and gives what it did.
    static func recording(_ command: [String]) throws -> SystemTrace {
        let folder = TemporaryFolder()
        let file = folder.path + "/trace"
        let run = try ChildProcess(["/usr/bin/strace", "-f", "-qq", "-xx", "-s", "1000000", "-o", file, "-e", "trace=" + self.calls] + command)
        _ = run.rest()
        guard run.wait() == 0 else { throw ChildProcess.Failure(description: "\(command) ended with \(run.wait()) under strace") }
        var trace = SystemTrace()
        var reader = Reader()
        for line in [UInt8](FileManager.default.contents(atPath: file) ?? Data()).split(separator: 0x0A) {
            if let event = reader.event(line) { trace.events.append(event) }
        }
        return trace
    }

    /// A line is `PID call(arguments) = result`. A call during which another thread made one stands on two.
    private struct Reader {
        private var begun: [Substring: [UInt8]] = [:]

        mutating func event(_ line: ArraySlice<UInt8>) -> Event? {
            let space = line.firstIndex(of: UInt8(ascii: " ")) ?? line.endIndex
            let process = Substring(decoding: line[..<space], as: UTF8.self)
            var text = Array(line[space...].drop { $0 == UInt8(ascii: " ") })
            let unfinished = Array(" <unfinished ...>".utf8)
            if text.suffix(unfinished.count).elementsEqual(unfinished) {
                self.begun[process] = text.dropLast(unfinished.count)
                return nil
            }
            if text.starts(with: Array("<... ".utf8)) {
                guard let end = text.lastRange(of: " resumed>"), let start = self.begun.removeValue(forKey: process) else { return nil }
                text = start + text[(end + " resumed>".utf8.count)...]
            }
            return Call(text).flatMap(\.event)
        }
    }

    private struct Call {
        var name: String
        /// Strings as their bytes, everything else as its text.
        var arguments: [[UInt8]]
        var result: Int

        init?(_ text: [UInt8]) {
            guard let open = text.firstIndex(of: UInt8(ascii: "(")), let equals = text.lastRange(of: " = "),
                let end = text[..<equals].lastIndex(of: UInt8(ascii: ")"))
            else { return nil }
            self.name = String(decoding: text[..<open], as: UTF8.self)
            self.result = Int(String(decoding: text[(equals + 3)...].prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self)) ?? -1
            self.arguments = Call.split(text[(open + 1)..<end])
        }

        private static func split(_ text: ArraySlice<UInt8>) -> [[UInt8]] {
            var arguments: [[UInt8]] = [[]]
            var index = text.startIndex
            while index < text.endIndex {
                switch text[index] {
                case UInt8(ascii: ","):
                    arguments.append([])
                    index += 2
                case UInt8(ascii: "\""):
                    // Every byte is `\xNN`.
                    index += 1
                    var bytes: [UInt8] = []
                    while text[index] == UInt8(ascii: "\\") {
                        bytes.append(text[index + 2].hexadecimal << 4 | text[index + 3].hexadecimal)
                        index += 4
                    }
                    arguments[arguments.count - 1] += bytes
                    index += 1
                default:
                    arguments[arguments.count - 1].append(text[index])
                    index += 1
                }
            }
            return arguments
        }

        private func text(_ index: Int) -> String { String(decoding: self.arguments[index], as: UTF8.self) }
        private func number(_ index: Int) -> Int { Int(self.text(index)) ?? -1 }

        var event: Event? {
            guard self.result >= 0 else { return nil }
            switch self.name {
            case "openat":
                let flags = self.text(2)
                return .opened(self.result, path: self.text(1), isNew: flags.contains("O_CREAT"), isEmptied: flags.contains("O_TRUNC"))
            case "close": return .closed(self.number(0))
            case "write": return .wrote(self.number(0), Array(self.arguments[1].prefix(self.result)), at: nil)
            case "pwrite64": return .wrote(self.number(0), Array(self.arguments[1].prefix(self.result)), at: self.number(3))
            case "ftruncate": return .truncated(self.number(0), to: self.number(1))
            case "fsync", "fdatasync": return .synced(self.number(0))
            case "rename": return .renamed(self.text(0), to: self.text(1))
            case "unlink": return .removed(self.text(0))
            case "mkdir": return .made(folder: self.text(0))
            default: return nil
            }
        }
    }
}

/// A trace that is only asked whether a fault came about; it goes when that is known.
struct SystemTraceFile {
    let hasInjection: Bool

    init(_ path: String) throws {
        self.hasInjection = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self).contains("(INJECTED)")
        try FileManager.default.removeItem(atPath: path)
    }
}

extension UInt8 {
    fileprivate var hexadecimal: UInt8 { self <= UInt8(ascii: "9") ? self - UInt8(ascii: "0") : (self | 0x20) - UInt8(ascii: "a") + 10 }
}

extension [UInt8] {
    /// Where a text last begins.
    fileprivate func lastRange(of text: String) -> Int? {
        let wanted = Array(text.utf8)
        var index = self.count - wanted.count
        while index >= 0 {
            if self[index..<index + wanted.count].elementsEqual(wanted) { return index }
            index -= 1
        }
        return nil
    }
}
