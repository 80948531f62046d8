import FoundationEssentials
import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting

/// A program for tests: measures the store, or writes to it until it is killed.
switch CommandLine.arguments.dropFirst().first {
case "append": try AppendBenchmark().run()
case "jobs": try JobBenchmark().run()
case "journal": try JournalBenchmark().run()
default: print("usage: sluice-store-probe append|jobs|journal")
}
