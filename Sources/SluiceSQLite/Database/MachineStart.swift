import FoundationEssentials
import Glibc
package import SluiceCore

/// When the machine was started.
package enum MachineStart {
    /// nil where the system does not tell.
    package static var now: Timestamp? {
        guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8) else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Int64($0.dropFirst(6)) }.map { Timestamp(milliseconds: $0 * 1000) }
    }
}
