import Dispatch
import FoundationEssentials
import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting

/// How fast jobs are stored, leased and completed, beside what is wanted (on two cores).
///
/// Ends the process with 1 where a figure is missed.
final class JobBenchmark {
    private let folder: DataFolder
    /// Only so much of everything is done, for a look with a profiler: the figures say nothing then.
    private let share: Int
    private let text = String(repeating: "x", count: 1800)
    private var stored = 0
    /// Syncs for each piece of the last rate.
    private var lastSyncs = 0.0
    private var missed: [String] = []

    /// - Parameter place: Where the store is laid; its disk is what bounds the first figure.
    init(oneIn share: Int, in place: String) {
        self.share = max(1, share)
        self.folder = DataFolder("\(place.isEmpty ? "/tmp" : place)/sluice-bench-\(getpid())")
    }

    func run() throws {
        defer { try? FileManager.default.removeItem(atPath: self.folder.path) }
        let database = try SQLiteDatabase(.init(folder: self.folder), at: Sample.now)
        let store = SQLiteJobStore(database)
        let (syncs, wide) = (try self.syncs(400, of: 4096), try self.syncs(40, of: 1 << 20))
        print("a write of 4 kB and its fdatasync, bare: \(Int(syncs)) a second; of 1 MB: \(Int(wide))")
        let ones = 5000 / self.share
        // Each waits for a sync of its own, so no store is faster than its disk.
        let alone = self.rate("enqueue, one by one", atLeast: min(1500, 0.6 * syncs), of: ones) { self.enqueue(ones, at: 1, in: store) }
        print("  that is \(Double(Int(100 * alone / syncs)) / 100) of what the disk does")
        // What is more than one are the checkpoints: two for some hundreds of jobs.
        if !(0.95...1.05).contains(self.lastSyncs) { self.missed.append("one sync for a job that comes alone") }
        self.rate("enqueue, 8 callers that each wait", atLeast: min(1500, 2 * syncs), of: ones) { self.enqueue(ones, at: 8, in: store) }
        let many = 60_000 / self.share
        self.rate("enqueue, grouped (512 at a time)", atLeast: 20_000, of: many) { self.enqueue(many, at: 512, in: store) }
        try self.addLines(100_000 / self.share - self.stored, to: "batch_1", in: database)
        self.cycles(max(10, 400 / self.share), of: 64, in: store)
        try self.addLines(900_000 / self.share, to: "batch_2", in: database)
        self.report("claim of 64, 1,000,000 waiting: p50", self.claims(max(10, 200 / self.share), of: 64, in: store), atMost: 5)
        try database.close(at: Sample.now)
        let start = ContinuousClock.now
        let again = try SQLiteDatabase(.init(folder: self.folder), at: Sample.now)
        print("opening with a million jobs: \(ContinuousClock.now - start)")
        try again.close(at: Sample.now)
        guard self.missed.isEmpty else {
            print("missed: \(self.missed.joined(separator: ", "))")
            exit(1)
        }
    }

    /// What the disk alone gives: as many appended pieces a second as can be synced one after another.
    private func syncs(_ count: Int, of size: Int) throws -> Double {
        let path = "\(self.folder.path)/bare"
        let file = open(path, O_CREAT | O_WRONLY | O_APPEND, 0o600)
        guard file >= 0 else { throw StoreError(.ioFailure, "no file at \(path)") }
        defer {
            close(file)
            unlink(path)
        }
        let page = [UInt8](repeating: 1, count: size)
        let start = ContinuousClock.now
        for _ in 0..<count {
            guard write(file, page, page.count) == page.count, fdatasync(file) == 0 else { throw StoreError(.ioFailure, "no write to \(path)") }
        }
        return Double(count) / (Double((ContinuousClock.now - start).nanoseconds) / 1e9)
    }

    // MARK: Work

    private func enqueue(_ count: Int, at once: Int, in store: SQLiteJobStore) {
        let first = self.stored
        self.stored += count
        let group = DispatchGroup()
        // As many are under way as callers would wait: the next one comes when one is answered.
        let places = DispatchSemaphore(value: once)
        for number in first..<first + count {
            places.wait()
            group.enter()
            store.enqueue(Sample.job(JobBenchmark.id(number)), call: Sample.call(self.text), answer: nil) { _ in
                places.signal()
                group.leave()
            }
        }
        group.wait()
    }

    private func addLines(_ count: Int, to id: String, in database: SQLiteDatabase) throws {
        let store = SQLiteBatchStore(database)
        var batch = Sample.batch(id)
        batch.deadline = Sample.now + .seconds(86_400)
        try waiting { store.create(batch, answer: nil, then: $0) }
        _ = try waiting { store.begin(batch.id, total: count, quote: nil, at: Sample.now, then: $0) }
        let target = batch
        self.rate("lines of a batch, 2,000 at a time", atLeast: 20_000, of: count) {
            for from in stride(from: 1, through: count, by: 2000) {
                let lines = (from..<min(from + 2000, count + 1)).map { Sample.line($0, of: target) }
                _ = try? waiting { store.add(lines, to: target.id, at: Sample.now, then: $0) }
            }
        }
    }

    private func cycles(_ rounds: Int, of size: Int, in store: SQLiteJobStore) {
        self.rate("claim, begin, complete, 100,000 waiting", atLeast: 8000, of: rounds * size) {
            // As many under way as calls of an eighth of a second are at this rate.
            let places = DispatchSemaphore(value: 16 * size)
            let group = DispatchGroup()
            let workers = JobWorkers(store: store)
            for _ in 0..<rounds {
                for _ in 0..<size { places.wait() }
                for _ in 0..<size { group.enter() }
                store.lease(Sample.job("").lane, limit: size, at: Sample.now) { result in
                    let jobs = (try? result.get()) ?? []
                    guard jobs.count == size else { preconditionFailure("\(jobs.count) jobs were leased") }
                    for leased in jobs {
                        workers.run(leased) {
                            places.signal()
                            group.leave()
                        }
                    }
                }
            }
            group.wait()
        }
    }

    private func claims(_ rounds: Int, of size: Int, in store: SQLiteJobStore) -> [Duration] {
        (0..<rounds).map { _ in
            let start = ContinuousClock.now
            _ = self.claim(size, in: store)
            return ContinuousClock.now - start
        }
    }

    private func claim(_ size: Int, in store: SQLiteJobStore) -> [LeasedJob] {
        let lane = Sample.job("").lane
        return (try? waiting { store.lease(lane, limit: size, at: Sample.now, then: $0) }) ?? []
    }

    private static func id(_ number: Int) -> String { "job_\(String(1_764_100_000_000 + number * 7, radix: 36))" }

    // MARK: Figures

    @discardableResult
    private func rate(_ name: String, atLeast wanted: Double, of count: Int, _ body: () -> Void) -> Double {
        let before = CPUTime.process
        let syncsBefore = SyncCount.now
        let start = ContinuousClock.now
        body()
        let rate = Double(count) / (Double((ContinuousClock.now - start).nanoseconds) / 1e9)
        let used = (CPUTime.process - before) / Double(count) * 1e6
        self.lastSyncs = Double(SyncCount.now - syncsBefore) / Double(count)
        print(
            "\(name): \(Int(rate)) a second (wanted \(Int(wanted))), \(Int(used)) µs of CPU and \(Double(Int(self.lastSyncs * 1e4)) / 1e4) syncs each")
        if rate < wanted { self.missed.append(name) }
        return rate
    }

    private func report(_ name: String, _ times: [Duration], atMost limit: Double) {
        let sorted = times.map { Double($0.nanoseconds) / 1e6 }.sorted()
        let middle = sorted[sorted.count / 2]
        print("\(name) \(middle) ms (wanted under \(limit)), p99 \(sorted[sorted.count * 99 / 100]) ms")
        if middle >= limit { self.missed.append(name) }
    }
}

/// What would call backends, and here has the answer at once; on threads of its own, as it would.
private struct JobWorkers {
    let store: SQLiteJobStore
    private let queue = DispatchQueue(label: "workers", attributes: .concurrent)
    private let answer = [UInt8](repeating: 0x78, count: 700)

    init(store: SQLiteJobStore) {
        self.store = store
    }

    func run(_ leased: LeasedJob, then: @escaping @Sendable () -> Void) {
        let subject = Sample.subject(leased.job.requestID, jobID: leased.job.id)
        let answer = JobResult(status: 200, contentType: "application/json", body: self.answer)
        self.queue.async {
            self.store.begin(Sample.intent(subject), under: leased.lease) { result in
                guard case .success = result else { preconditionFailure("an attempt could not be begun") }
                self.queue.async {
                    self.store.complete(leased.lease, as: .done, result: answer, ends: [Sample.settled(subject)], verification: nil, at: Sample.now) { result in
                        guard case .success(true) = result else { preconditionFailure("a lease of the benchmark's own was stale") }
                        then()
                    }
                }
            }
        }
    }
}
