import FoundationEssentials
import SluiceCore

/// What `sluice doctor` looked at, and what it found (`outputs.md`).
struct Checkup: Codable {
    enum Level: String {
        case error, warning
    }

    struct Finding: Codable {
        var name: String
        var ok: Bool
        /// How bad it is where it is not well: `error` or `warning`.
        var level: String
        var detail: String
        /// What to do; null where all is well.
        @OrNull var fix: String?

        static func well(_ name: String, _ detail: String) -> Finding {
            Finding(name: name, ok: true, level: Level.warning.rawValue, detail: detail, fix: nil)
        }

        static func ill(_ name: String, _ level: Level, _ detail: String, fix: String) -> Finding {
            Finding(name: name, ok: false, level: level.rawValue, detail: detail, fix: fix)
        }
    }

    var schema = "sluice.doctor/v1"
    /// No check found an error; warnings do not count.
    var ok: Bool
    var checks: [Finding]

    init(_ checks: [Finding]) {
        self.ok = checks.allSatisfy { $0.ok || $0.level == Level.warning.rawValue }
        self.checks = checks
    }

    func text(_ style: TextStyle) -> String {
        let width = self.checks.map(\.name.count).max() ?? 0
        return self.checks.map { check in
            let word = check.ok ? "ok     " : check.level == Level.error.rawValue ? "ERROR  " : "warning"
            let name = check.name + String(repeating: " ", count: width - check.name.count)
            let fix = check.fix.map { "\n" + String(repeating: " ", count: width + 11) + style.dim($0) } ?? ""
            return "\(check.ok ? word : style.bold(word))  \(name)  \(check.detail)\(fix)\n"
        }.joined()
    }
}
