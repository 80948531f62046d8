import Dispatch
import FoundationEssentials
import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting

/// What one ledger entry costs from `append` to its commit, its encoding not counted.
struct AppendBenchmark {
    private let entries = 100_000
    private let group = 500

    func run() throws {
        let folder = DataFolder("/tmp/sluice-bench-\(getpid())")
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        let database = try SQLiteDatabase(.init(folder: folder), at: Sample.now)
        let ledger = SQLiteLedger(database)
        let sealed = (0..<self.entries).map { i in
            SealedEntry(Sample.settled(Sample.subject("req_\(String(1_764_100_000_000 + i * 7, radix: 36))\(i % 7)", tenant: "team-\(i % 4)")))
        }
        print("line \(sealed[0].line.bytes.count) bytes")
        let before = CPUTime.process
        let start = ContinuousClock.now
        for from in stride(from: 0, to: self.entries, by: self.group) {
            let done = DispatchSemaphore(value: 0)
            ledger.append(Array(sealed[from..<from + self.group])) { result in
                if case .failure(let error) = result { print(error) }
                done.signal()
            }
            done.wait()
        }
        let elapsed = ContinuousClock.now - start
        let used = CPUTime.process - before
        print("append, groups of \(self.group): \(used / Double(self.entries) * 1e6) µs CPU an entry, \(elapsed)")
        try database.close(at: Sample.now)
    }
}

enum CPUTime {
    /// Seconds of CPU, user and system, of the whole process.
    static var process: Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}
