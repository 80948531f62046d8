import FoundationEssentials
import GRDB
import SluiceCore

/// A job that this transaction has ended: what the end must know of it.
struct EndedJob {
    /// For the `RETURNING` of the statements that end jobs.
    static let columns = "id, pub, request_id, custom_id, kind, tenant, batch, lane, bucket_ms, estimated_tokens, state, last_error, generation"

    var id: Int64
    var pub: String
    var requestID: String
    var customID: String?
    var kind: Job.Kind?
    var tenant: String
    var batch: Int64?
    var lane: Int64
    var bucket: Int64
    var tokens: Int
    var state: JobState
    var lastError: String?
    var generation: Int

    init(_ row: Row) throws {
        guard let state = JobState(rawValue: row[10]), state.isTerminal else { throw StoreError(.other, "job \(row[1] as String) has not ended") }
        self.id = row[0]
        self.pub = row[1]
        self.requestID = row[2]
        self.customID = row[3]
        self.kind = Job.Kind(rawValue: row[4])
        self.tenant = row[5]
        self.batch = row[6]
        self.lane = row[7]
        self.bucket = row[8]
        self.tokens = row[9]
        self.state = state
        self.lastError = row[11]
        self.generation = row[12]
    }
}

extension WriteTransaction {
    /// Does all that the end of a job brings with it: its answer, the counts of its batch, the word to those who asked for it.
    mutating func end(_ job: EndedJob, from state: JobState?, result: JobResult?, attempts: BatchBooking = BatchBooking(), at now: Timestamp) throws {
        if let state { self.move(LaneTable.Move(lane: job.lane, bucket: job.bucket, tokens: job.tokens, from: state, to: job.state)) }
        if let result {
            try self.db.cachedStatement(sql: "INSERT INTO job_result(job, status, content_type, body) VALUES (?, ?, ?, ?)").execute(
                arguments: [job.id, result.status, result.contentType, Data(result.body)])
        }
        if let batch = job.batch {
            var booking = attempts
            booking.count(job, bytes: try self.addResult(of: job, result, to: batch))
            try self.book(booking, to: batch, at: now)
        } else if job.kind == .background {
            let type = WebhookEvent.end(of: job.state, isIncomplete: result?.isIncomplete ?? false)
            try self.queue(WebhookNews(type: type, subject: job.pub, tenant: job.tenant, generation: job.generation, at: now))
        }
    }

    /// A line of the output or the error file; gives its length.
    private mutating func addResult(of job: EndedJob, _ result: JobResult?, to batch: Int64) throws -> Int {
        let line = BatchResult(
            sequence: 0, jobID: job.pub, requestID: job.requestID, customID: job.customID ?? "", state: job.state, result: result, lastError: job.lastError
        ).line.count
        try self.db.cachedStatement(sql: "INSERT INTO batch_result(batch, side, job, bytes) VALUES (?, ?, ?, ?)").execute(
            arguments: [batch, job.state == .done ? 0 : 1, job.id, line])
        return line
    }
}

extension WebhookEvent {
    /// What is told of a background response that ended so.
    fileprivate static func end(of state: JobState, isIncomplete: Bool) -> WebhookEvent {
        switch state {
        case .done: isIncomplete ? .responseIncomplete : .responseCompleted
        case .cancelled: .responseCancelled
        case .held, .ready, .leased, .bundled, .failed, .expired: .responseFailed
        }
    }
}
