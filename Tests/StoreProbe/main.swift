import FoundationEssentials
import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting

/// A program for tests: measures the store, or writes to it until it is killed.
let arguments = CommandLine.arguments.dropFirst() + ["", "", "", ""]
let (first, second, third) = (arguments[2], arguments[3], arguments[4])
let folder = DataFolder(first)
do {
    switch arguments.first {
    case "append": try AppendBenchmark().run()
    case "jobs": try JobBenchmark(oneIn: Int(first) ?? 1, in: second).run()
    case "journal": try JournalBenchmark().run()
    case "report": try ReportBenchmark(program: first, entries: Int(second) ?? 10_000_000).run()
    case "write": try RestlessWriter(folder, first: Int(second) ?? 0).run()
    case "check": try AfterCrash(folder).check(acknowledged: Int(second) ?? 0)
    case "hold": hold(folder)
    case "open": try SQLiteDatabase(.init(folder: folder), at: Sample.now).close(at: Sample.now)
    case "story": try Story(folder, durability(third)).tell(rounds: Int(second) ?? 1)
    case "replay": try Replay(states: Int(first) ?? 200, durability: durability(second)).run(seed: UInt64(third) ?? 1)
    case "kills": try KillLoop(rounds: Int(first) ?? 20).run()
    case "faults": try FaultLoop(step: Int(first) ?? 1).run()
    case "starts": try TwoStarts(pairs: Int(first) ?? 10).run()
    case "simulate": try SimulationRun(seeds: Int(first) ?? 100, first: UInt64(second) ?? 1).run()
    case "tamper": try TamperRun(program: ChildProcess.product("sluice"), rounds: Int(first) ?? 1000).run(seed: UInt64(second) ?? 1)
    case "migrations": try MigrationLoop(fixture: first, step: Int(second) ?? 1).run()
    default:
        say(
            """
            usage: sluice-store-probe append | journal | jobs [SHARE [FOLDER]] | report PROGRAM [ENTRIES]
                   sluice-store-probe kills ROUNDS | replay STATES full|normal SEED | faults STEP | migrations FIXTURE STEP
                   sluice-store-probe simulate SEEDS FIRST | starts PAIRS | tamper ROUNDS SEED
                   sluice-store-probe write|check FOLDER NUMBER | hold|open FOLDER | story FOLDER ROUNDS full|normal
            """)
    }
} catch {
    say("\((error as? StoreError)?.message ?? "\(error)")")
    exit(4)
}

func durability(_ word: String) -> SQLiteDatabase.Durability { word == "normal" ? .negativeControl : .full }

/// One line at once, whatever becomes of this process.
func say(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    _ = Glibc.write(STDOUT_FILENO, bytes, bytes.count)
}

/// Says whether the folder could be had, and keeps it until it is killed.
func hold(_ folder: DataFolder) {
    do {
        let database = try SQLiteDatabase(.init(folder: folder), at: Sample.now)
        say("open")
        withExtendedLifetime(database) { _ = pause() }
    } catch {
        say("refused: \(error.message)")
    }
}
