import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting

/// Fails the n-th call of a kind, once or from then on, for every n until a run is through (`promises.md` P10).
struct FaultLoop {
    private static let calls = ["pwrite64", "fdatasync", "fsync", "ftruncate", "rename"]
    private static let rounds = 2

    /// Every so many places are tried.
    let step: Int

    func run() throws {
        var (runs, lost, damaged) = (0, 0, 0)
        for call in FaultLoop.calls {
            for error in ["EIO", "ENOSPC"] {
                for form in ["", "+"] {
                    // Not the same places each time, where not all are tried.
                    var place = Int.random(in: 1...self.step)
                    while true {
                        let found = try self.story(failing: "\(call):error=\(error):when=\(place)\(form)")
                        guard let found else { break }
                        runs += 1
                        if !found.lost.isEmpty { lost += 1 }
                        if !found.damaged.isEmpty { damaged += 1 }
                        if !found.isWhole { say("\(call) \(place)\(form) \(error): lost \(found.lost), damaged \(found.damaged)") }
                        place += self.step
                    }
                }
            }
        }
        say("faults: \(runs) runs, \(lost) lost, \(damaged) damaged")
        if lost + damaged > 0 { exit(1) }
    }

    /// What a story with a fault has left; nil where it did not get that far.
    private func story(failing injection: String) throws -> StoryCheck? {
        let folder = TemporaryFolder()
        let call = injection.prefix { $0 != ":" }
        let run = try ChildProcess([
            "/usr/bin/strace", "-f", "-qq", "-o", folder.path + ".trace", "-e", "trace=\(call)", "-e", "inject=\(injection)",
            try ChildProcess.product("sluice-store-probe"), "story", folder.path, "\(FaultLoop.rounds)", "full",
        ])
        let said = run.rest()
        guard run.wait() != 0 || said.last != "END" else {
            // It ended well: because no call was the n-th, or because one failed that need not have succeeded.
            let trace = try SystemTraceFile(folder.path + ".trace")
            guard trace.hasInjection else { return nil }
            return StoryCheck(DataFolder(folder.path), acknowledged: said)
        }
        _ = try SystemTraceFile(folder.path + ".trace")
        return StoryCheck(DataFolder(folder.path), acknowledged: said)
    }
}
