import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting

/// A bit of everything that the stores do, step by step, each said aloud once it is acknowledged.
///
///     JOB n       the job is stored, with the answer under its idempotency key
///     FILE n      the file is stored
///     BATCH n     a batch over the file is stored
///     LINES n     its lines are
///     DONE id     the answer of a job or a line is stored
///     CANCEL n    the batch is cancelled
///
/// A failed commit ends it with 3, any other failure with 4.
struct Story {
    private let database: SQLiteDatabase
    private let lineCount = 3

    init(_ folder: DataFolder, _ durability: SQLiteDatabase.Durability) throws {
        var opening = SQLiteDatabase.Opening(folder: folder)
        opening.durability = durability
        opening.onFailure = { error in
            say("failure \(error.code)")
            exit(3)
        }
        self.database = try SQLiteDatabase(opening, at: Sample.now)
    }

    static func job(_ n: Int) -> Job { Sample.job("job_\(n)") }
    static func batch(_ n: Int) -> Batch { Sample.batch("batch_\(n)", file: "file-\(n)") }
    static func answer(_ n: Int) -> KeptAnswer { Sample.answer("k-\(n)") }

    /// From some hundred bytes to some pages; its own number all over.
    static func bytes(ofFile n: Int) -> [UInt8] {
        Array(String(repeating: "{\"file\":\(n)}\n", count: 10 + n * 97 % 1500).utf8)
    }

    func tell(rounds: Int) throws {
        let jobs = SQLiteJobStore(self.database)
        _ = try waiting { jobs.recover(at: Sample.now, then: $0) }
        try waiting { SQLiteWebhookStore(self.database).add(Sample.endpoint(), then: $0) }
        for n in 0..<rounds {
            try waiting { jobs.enqueue(Story.job(n), call: Sample.call("call \(n)"), answer: Story.answer(n), then: $0) }
            say("JOB \(n)")
            try self.upload(n)
            try self.makeBatch(n)
            try self.work(through: jobs, lane: Story.job(n).lane)
            if n % 3 == 2 { try self.cancel(n) }
            SQLiteLedger(self.database).append(closing: Sample.settled(Sample.subject("req_live_\(n)")), begun: Sample.now) { _ in }
        }
        try self.database.close(at: Sample.now)
        say("END")
    }

    private func upload(_ n: Int) throws {
        let files = SQLiteFileStore(self.database)
        let receipt = try files.receive("file-\(n)")
        try Story.bytes(ofFile: n).withUnsafeBytes { try receipt.append($0) }
        let file = Sample.file("file-\(n)", bytes: receipt.bytes, sha256: receipt.sha256)
        try waiting { files.add(file, receipt, then: $0) }
        say("FILE \(n)")
    }

    private func makeBatch(_ n: Int) throws {
        let batches = SQLiteBatchStore(self.database)
        let batch = Story.batch(n)
        try waiting { batches.create(batch, answer: Sample.answer("b-\(n)"), then: $0) }
        say("BATCH \(n)")
        _ = try waiting { batches.begin(batch.id, total: self.lineCount, quote: nil, at: Sample.now, then: $0) }
        _ = try waiting { batches.add((1...self.lineCount).map { Sample.line($0, of: batch) }, to: batch.id, at: Sample.now, then: $0) }
        say("LINES \(n)")
    }

    /// Leaves a part of what waits.
    private func work(through jobs: SQLiteJobStore, lane: Job.Lane) throws {
        for leased in try waiting(for: { jobs.lease(lane, limit: 3, at: Sample.now, then: $0) }) {
            let subject = Sample.subject(leased.job.requestID, jobID: leased.job.id, serve: .later)
            let attempt = leased.job.attempts + 1
            try waiting { jobs.begin(Sample.intent(subject, attempt: attempt), under: leased.lease, then: $0) }
            let answer = JobResult(status: 200, contentType: "application/json", body: Story.answerBody(of: leased.job.id))
            let ends = [Sample.settled(subject, attempt: attempt)]
            _ = try waiting { jobs.complete(leased.lease, as: .done, result: answer, ends: ends, verification: nil, at: Sample.now, then: $0) }
            say("DONE \(leased.job.id)")
        }
    }

    static func answerBody(of id: String) -> [UInt8] { Array("{\"answer\":\"\(id)\"}".utf8) }

    private func cancel(_ n: Int) throws {
        _ = try waiting { SQLiteBatchStore(self.database).cancelBatch(Story.batch(n).id, tenant: nil, at: Sample.now, then: $0) }
        say("CANCEL \(n)")
    }
}
