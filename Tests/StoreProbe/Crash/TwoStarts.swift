import Glibc
import SluiceSQLite
import SluiceTesting

/// Starts two processes on one folder at once, again and again: exactly one may have it (`promises.md` P11).
struct TwoStarts {
    let pairs: Int

    func run() throws {
        let probe = try ChildProcess.product("sluice-store-probe")
        let folder = TemporaryFolder()
        var won = 0
        for _ in 0..<self.pairs {
            let two = [try ChildProcess([probe, "hold", folder.path]), try ChildProcess([probe, "hold", folder.path])]
            let said = two.map { $0.line() ?? "nothing" }
            if said.filter({ $0 == "open" }).count == 1, said.contains(where: { $0.contains("in use by another sluice") }) { won += 1 } else { say("\(said)") }
            for child in two {
                child.kill()
                child.wait()
            }
        }
        say("starts: \(self.pairs) pairs, \(won) with exactly one winner")
        if won < self.pairs { exit(1) }
    }
}
