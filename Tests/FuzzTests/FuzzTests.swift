import Glibc
import SluiceTesting
import Testing

/// A short run of every fuzz target, with another seed each time; `make fuzz ROUNDS=1000000` is a long one.
@Suite struct FuzzTests {
    @Test(arguments: ["json", "head", "answer-head", "chunked", "retry-after", "events", "answers", "batches", "yaml"])
    func keepsItsPromisesForWhateverComes(_ target: String) throws {
        let rounds = target == "yaml" ? 150 : 1500
        let seed = Int(time(nil))
        let probe = try ChildProcess([ChildProcess.product("sluice-fuzz-probe"), target, "--rounds", "\(rounds)", "--seed", "\(seed)"])
        let said = probe.rest()
        let status = probe.wait()
        print("fuzz: \(target) --seed \(seed) --rounds \(rounds)")
        #expect(status == 0, "\(target) --seed \(seed): \(said.joined(separator: "\n"))")
    }

    /// Python's parser says the same of every text.
    @Test func theJSONScannerAgreesWithPython() throws {
        let probe = try ChildProcess.product("sluice-fuzz-probe")
        let script = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/") + "/FuzzProbe/agree.py"
        guard ChildProcess.isThere("python3") else {
            print("skipped: no python3 to compare with")
            return
        }
        let seed = Int(time(nil))
        let pipeline = try ChildProcess(["/bin/sh", "-c", "'\(probe)' --bodies --rounds 3000 --seed \(seed) | python3 '\(script)' 2>&1"])
        let said = pipeline.rest()
        #expect(pipeline.wait() == 0, "--bodies --seed \(seed): \(said.joined(separator: "\n"))")
    }
}

extension ChildProcess {
    /// Whether a program is on the path.
    fileprivate static func isThere(_ program: String) -> Bool {
        guard let look = try? ChildProcess(["/bin/sh", "-c", "command -v \(program)"]) else { return false }
        return look.wait() == 0
    }
}
