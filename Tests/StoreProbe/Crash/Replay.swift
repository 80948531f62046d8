import FoundationEssentials
import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting

/// Power cuts at random moments of a ``Story``, each followed by the start of the next process (`promises.md` P1).
struct Replay {
    private static let rounds = 25

    let states: Int
    let durability: SQLiteDatabase.Durability

    /// Prints how many states lost something or were damaged; the seed makes the same ones again.
    func run(seed: UInt64) throws {
        let folder = TemporaryFolder()
        let mode = self.durability == .full ? "full" : "normal"
        let trace = try SystemTrace.recording([try ChildProcess.product("sluice-store-probe"), "story", folder.path, "\(Replay.rounds)", mode])
        var generator = SplitMix64(seed)
        let cuts = (0..<self.states).map { _ in Int.random(in: 0...trace.events.count, using: &generator) }.sorted()
        var disk = CrashDisk(root: folder.path)
        var (applied, lost, damaged) = (0, 0, 0)
        var example: String?
        for cut in cuts {
            while applied < cut {
                disk.apply(trace.events[applied])
                applied += 1
            }
            let image = TemporaryFolder()
            try disk.cut(into: image.path, &generator)
            let found = StoryCheck(DataFolder(image.path), acknowledged: disk.said)
            if !found.lost.isEmpty { lost += 1 }
            if !found.damaged.isEmpty { damaged += 1 }
            if !found.isWhole { example = example ?? "after \(cut) events: lost \(found.lost.prefix(3)), damaged \(found.damaged.prefix(3))" }
        }
        if let example { say(example) }
        say("replay \(mode) seed \(seed): \(trace.events.count) events, \(self.states) states, \(lost) lost, \(damaged) damaged")
        // The control has to be seen to lose commits, else the full run says nothing.
        if self.durability == .full ? lost + damaged > 0 : lost * 2 < self.states { exit(1) }
    }
}

/// Vigna's generator: small, and the same everywhere for the same seed.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) {
        self.state = seed
    }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var value = self.state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
