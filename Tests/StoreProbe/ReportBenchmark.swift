import Dispatch
import FoundationEssentials
import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting
import Synchronization

/// How long reports take over a ledger of many entries, and how much memory an export needs: the program itself is run and timed.
///
/// Three months of hours, in each of them four tenants, three classes and two backends: 24 sums an hour.
struct ReportBenchmark {
    /// `sluice`, from a release build.
    let program: String
    let entries: Int
    private let hours = 90 * 24
    private let group = 512
    private let mostInFlight = 16

    func run() throws {
        let folder = DataFolder((ProcessInfo.processInfo.environment["TMPDIR"] ?? "/var/tmp") + "/sluice-report-bench-\(getpid())")
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        let start = ContinuousClock.now
        try self.fill(folder)
        say("\(self.entries) entries of \(self.hours) hours written in \((ContinuousClock.now - start).components.seconds) s")
        for by in ["", "class", "tenant,model", "backend,day", "hour"] {
            let runs = try (0..<5).map { _ in try self.time(["report", "--data", folder.path, "--output", "json", "--by", by]) }
            let (best, worst) = (runs.map(\.elapsed).min() ?? .zero, runs.map(\.elapsed).max() ?? .zero)
            say("report --by \(by.isEmpty ? "nothing" : by): \(best) at best, \(worst) at worst, of 5; \(runs.map(\.processor).min() ?? .zero) of CPU")
        }
        let part = try self.time(["report", "--data", folder.path, "--output", "json", "--since", (Sample.now - .seconds(7 * 86_400 + 1234)).description])
        say("report of a part that begins in the midst of an hour: \(part.elapsed), \(part.processor) of CPU")
        for share in [100, 10, 1] {
            let until = self.first + .seconds(Int64(3600 * self.hours / share))
            let export = try self.time(["export", "ledger", "--data", folder.path, "--until", until.description])
            say("export of \(self.entries / share) entries: \(export.elapsed), at most \(export.kilobytes / 1024) MB of memory")
        }
    }

    private var first: Timestamp { Sample.now.hour - .seconds(Int64(3600 * self.hours)) }

    private func fill(_ folder: DataFolder) throws {
        let database = try SQLiteDatabase(.init(folder: folder), at: self.first)
        let ledger = SQLiteLedger(database)
        let room = DispatchSemaphore(value: self.mostInFlight)
        let failure = Mutex<StoreError?>(nil)
        for from in stride(from: 0, to: self.entries, by: self.group) {
            let sealed = (from..<min(from + self.group, self.entries)).map { SealedEntry(self.entry($0)) }
            room.wait()
            ledger.append(sealed) { result in
                if case .failure(let error) = result { failure.withLock { $0 = error } }
                room.signal()
            }
        }
        for _ in 0..<self.mostInFlight { room.wait() }
        for _ in 0..<self.mostInFlight { room.signal() }
        try database.close(at: Sample.now)
        if let error = failure.withLock({ $0 }) { throw error }
    }

    private func entry(_ number: Int) -> LedgerEntry {
        let at = self.first + .milliseconds(Int64(number) * Int64(3_600_000 * self.hours) / Int64(self.entries))
        let subject = Sample.subject("req_\(String(number + 46_656, radix: 36))", tenant: "team-\(number % 4)", trafficClass: "class-\(number % 3)")
        var entry = Sample.settled(subject, at: at)
        if number % 2 == 1 {
            let usual = Sample.target
            entry.target = LedgerEntry.Target(pool: usual.pool, backend: "other", backendModel: usual.backendModel, rateCard: usual.rateCard)
        }
        return entry
    }

    /// One run of the program, its output counted and dropped.
    private func time(_ arguments: [String]) throws -> (elapsed: Duration, processor: Duration, kilobytes: Int) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        var texts = ([self.program] + arguments).map { strdup($0) } + [nil]
        defer { texts.forEach { free($0) } }
        var child = pid_t()
        let start = ContinuousClock.now
        guard posix_spawn(&child, self.program, &actions, nil, &texts, environ) == 0 else { throw StoreError(.other, "\(self.program) cannot be run") }
        var status: Int32 = 0
        var usage = rusage()
        guard wait4(child, &status, 0, &usage) == child, status == 0 else { throw StoreError(.other, "\(arguments) ended with \(status)") }
        let processor = [usage.ru_utime, usage.ru_stime].reduce(Duration.zero) { $0 + .seconds($1.tv_sec) + .microseconds($1.tv_usec) }
        return (ContinuousClock.now - start, processor, Int(usage.ru_maxrss))
    }
}
