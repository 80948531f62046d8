import Dispatch
import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting
import Synchronization

/// Enqueues, runs and completes jobs and appends live entries without end, and says what was acknowledged.
///
///     ACK n     job n is stored
///     BEGUN n   its call may go out
///     DONE n    its result and its entry are stored
///     ROW n     the live entry n is stored
///
/// A failed commit ends it with 3.
struct RestlessWriter: Sendable {
    private let database: SQLiteDatabase
    private let next: Counter

    init(_ folder: DataFolder, first: Int) throws {
        var opening = SQLiteDatabase.Opening(folder: folder)
        opening.onFailure = { error in
            say("failure \(error.code)")
            exit(3)
        }
        self.database = try SQLiteDatabase(opening, at: Sample.now)
        self.next = Counter(first)
    }

    func run() throws {
        let jobs = SQLiteJobStore(self.database)
        let isRecovered = DispatchSemaphore(value: 0)
        jobs.recover(at: Sample.now) { _ in isRecovered.signal() }
        isRecovered.wait()
        for _ in 0..<8 { self.store(jobs) }
        self.lease(jobs)
        while true { pause() }
    }

    static func job(_ number: Int) -> Job { Sample.job("job_\(number)") }

    private func store(_ jobs: SQLiteJobStore) {
        let number = self.next.up()
        jobs.enqueue(RestlessWriter.job(number), call: Sample.call("call \(number)"), answer: nil) { result in
            guard case .success = result else { return say("error") }
            say("ACK \(number)")
            SQLiteLedger(self.database).append(closing: Sample.settled(Sample.subject("req_live_\(number)")), begun: Sample.now) { result in
                if case .success = result { say("ROW \(number)") }
            }
            self.store(jobs)
        }
    }

    private func lease(_ jobs: SQLiteJobStore) {
        jobs.lease(RestlessWriter.job(0).lane, limit: 8, at: Sample.now) { result in
            for leased in (try? result.get()) ?? [] { self.run(leased, in: jobs) }
            self.lease(jobs)
        }
    }

    private func run(_ leased: LeasedJob, in jobs: SQLiteJobStore) {
        let attempt = leased.job.attempts + 1
        let subject = Sample.subject(leased.job.requestID, jobID: leased.job.id, serve: .later)
        let number = leased.job.id.dropFirst(4)
        jobs.begin(Sample.intent(subject, attempt: attempt), under: leased.lease) { result in
            guard case .success = result else { return say("error") }
            say("BEGUN \(number)")
            let answer = JobResult(status: 200, contentType: "application/json", body: Array("answer \(number)".utf8))
            jobs.complete(leased.lease, as: .done, result: answer, ends: [Sample.settled(subject, attempt: attempt)], verification: nil, at: Sample.now) {
                result in
                if case .success(true) = result { say("DONE \(number)") }
            }
        }
    }
}

/// Numbers in order, for several threads.
final class Counter: Sendable {
    private let value: Atomic<Int>

    init(_ first: Int) {
        self.value = Atomic(first)
    }

    func up() -> Int { self.value.add(1, ordering: .relaxed).oldValue }
}
