import FoundationEssentials
import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting
import Testing

/// The promises that are the store's to keep, by their numbers. What needs thousands of rounds is done by the probe, here a few of them each time;
/// `make store-promises` does all of them and prints the figures.
@Suite(.serialized) struct PromiseTests {
    /// P1, P2, P4, P5: what was acknowledged is there after a kill, each call has one end.
    @Test func p1KilledProcessesLoseNothing() throws {
        let figures = try Probe.run("kills", "8")
        #expect(figures.contains("8 rounds") && figures.contains(" 0 missing"), "\(figures)")
    }

    @Test func p1PowerCutsLoseNothing() throws {
        guard Probe.hasTracer else { return }
        let figures = try Probe.run("replay", "100", "full", Probe.seed)
        #expect(figures.contains("100 states, 0 lost, 0 damaged"), "\(figures)")
    }

    /// The control: what loses commits must be seen to lose them.
    @Test func p1PowerCutsAreSeenToLoseWhatWasNotSynced() throws {
        guard Probe.hasTracer else { return }
        let figures = try Probe.run("replay", "40", "normal", Probe.seed)
        let lost = try #require(figures.number(before: "lost"), "\(figures)")
        #expect(lost >= 20, "\(figures)")
    }

    /// P2, P3, P4, P9.
    @Test func p2P9EveryInterleavingKeepsOneResultForEachLineAndTheCounts() throws {
        let figures = try Probe.run("simulate", "60", Probe.seed)
        #expect(figures.contains("60 seeds, 0 differences") && figures.contains("chain whole"), "\(figures)")
    }

    @Test func p10AFaultAtAnyPlaceLosesNothing() throws {
        guard Probe.hasTracer else { return }
        let figures = try Probe.run("faults", "60")
        #expect(figures.contains(" 0 lost, 0 damaged"), "\(figures)")
    }

    @Test func p11AMigrationMayBeKilledAtAnyPlace() throws {
        guard Probe.hasTracer else { return }
        let fixture = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/schema-3.sql").path
        let figures = try Probe.run("migrations", fixture, "12")
        #expect(figures.contains(" 0 lost"), "\(figures)")
    }

    @Test func p11OfTwoProcessesExactlyOneGetsTheFolder() throws {
        let figures = try Probe.run("starts", "10")
        #expect(figures == "starts: 10 pairs, 10 with exactly one winner", "\(figures)")
    }

    @Test func p12AnyByteOfAnyRowThatIsChangedIsFound() throws {
        let figures = try Probe.run("tamper", "40", Probe.seed)
        #expect(figures.hasSuffix("40 of 40 found in an export, 40 of 40 in the file"), "\(figures)")
    }
}

/// The program of the heavy tests.
enum Probe {
    /// Other cuts and other orders each time; a failure prints the one it came from.
    static var seed: String { String(UInt32.random(in: 0 ... .max)) }

    static var hasTracer: Bool {
        guard access("/usr/bin/strace", X_OK) != 0 else { return true }
        Skipped.note("no strace, so nothing can be watched or made to fail")
        return false
    }

    /// Its last line, which has the figures; what it prints before goes to the log of the test.
    static func run(_ arguments: String...) throws -> String {
        let lines = try ChildProcess([ChildProcess.product("sluice-store-probe")] + arguments).rest()
        for line in lines { print(line) }
        return lines.last ?? "nothing"
    }
}

extension String {
    fileprivate func number(before word: String) -> Int? {
        let words = self.split(separator: " ")
        return words.firstIndex { $0.hasPrefix(word) }.flatMap { $0 > 0 ? Int(words[$0 - 1]) : nil }
    }
}
