import Dispatch
import FoundationEssentials
import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting
import Synchronization

/// The life of jobs: enqueued one by one and in crowds, leased, begun, completed.
struct JobBenchmark {
    func run() throws {
        let folder = DataFolder("/tmp/sluice-bench-\(getpid())")
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        let database = try SQLiteDatabase(.init(folder: folder), at: Sample.now)
        let store = SQLiteJobStore(database)
        let text = String(repeating: "x", count: 1800)
        func measure(_ name: String, _ count: Int, _ body: () -> Void) {
            let before = CPUTime.process
            let start = ContinuousClock.now
            body()
            let elapsed = ContinuousClock.now - start
            print("\(name): \((CPUTime.process - before) / Double(count) * 1e6) µs CPU a job, \(Double(count) / (Double(elapsed.nanoseconds) / 1e9)) jobs/s")
        }
        func enqueue(_ range: Range<Int>, crowd: Int) {
            for from in stride(from: range.lowerBound, to: range.upperBound, by: crowd) {
                let group = DispatchGroup()
                for i in from..<from + crowd {
                    group.enter()
                    store.enqueue(Sample.job("job_\(String(1_764_100_000_000 + i * 7, radix: 36))"), call: Sample.call(text), answer: nil) { _ in group.leave()
                    }
                }
                group.wait()
            }
        }
        measure("enqueue alone", 2000) { enqueue(0..<2000, crowd: 1) }
        measure("enqueue by 128", 20480) { enqueue(2000..<22480, crowd: 128) }
        let lane = Sample.job("x").lane
        let leased = Mutex<[LeasedJob]>([])
        measure("lease by 64, begin, complete", 6400) {
            for _ in 0..<100 {
                let group = DispatchGroup()
                group.enter()
                store.lease(lane, limit: 64, at: Sample.now) { result in
                    leased.withLock { $0 = (try? result.get()) ?? [] }
                    group.leave()
                }
                group.wait()
                let jobs = leased.withLock { $0 }
                for item in jobs {
                    group.enter()
                    store.begin(Sample.intent(Sample.subject(item.job.requestID, jobID: item.job.id)), under: item.lease) { _ in group.leave() }
                }
                group.wait()
                for item in jobs {
                    group.enter()
                    let end = Sample.settled(Sample.subject(item.job.requestID, jobID: item.job.id))
                    let result = JobResult(status: 200, contentType: "application/json", body: Array(text.utf8.prefix(700)))
                    store.complete(item.lease, as: .done, result: result, ends: [end], at: Sample.now) { _ in group.leave() }
                }
                group.wait()
            }
        }
        try database.close(at: Sample.now)
    }
}
