import FoundationEssentials
import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting

/// A program for tests: measures the store, or writes to it until it is killed.
let arguments = CommandLine.arguments.dropFirst() + ["", "", ""]
let folder = DataFolder(arguments[arguments.startIndex + 1])
switch arguments.first {
case "append": try AppendBenchmark().run()
case "jobs": try JobBenchmark(oneIn: Int(arguments[arguments.startIndex + 1]) ?? 1).run()
case "journal": try JournalBenchmark().run()
case "write": try RestlessWriter(folder, first: Int(arguments[arguments.startIndex + 2]) ?? 0).run()
case "check": try AfterCrash(folder).check(acknowledged: Int(arguments[arguments.startIndex + 2]) ?? 0)
case "hold": hold(folder)
default: say("usage: sluice-store-probe append|journal | jobs [SHARE] | write|check|hold FOLDER [NUMBER]")
}

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
