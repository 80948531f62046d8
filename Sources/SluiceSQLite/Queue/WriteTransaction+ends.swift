import GRDB
import SluiceCore

/// A job that this transaction has ended: what the end must know of it.
struct EndedJob {
    static let columns = """
        id, pub, request_id, custom_id, kind, tenant, batch, state, last_error, generation, lane, bucket_ms, estimated_tokens, created_ms
        """

    var id: Int64
    var pub: String
    var requestID: String
    var customID: String?
    var kind: Job.Kind?
    var tenant: String
    var batch: Int64?
    var state: JobState
    var lastError: String?
    var generation: Int
    /// Its last step, from where it was.
    var move: LaneTable.Move

    /// - Parameters:
    ///   - row: As it was before, if it was open.
    ///   - state: Where it ends.
    init(_ row: RawRow, as state: JobState) throws {
        guard let origin = JobState(rawValue: row.int(7)) else { throw StoreError(.incompatible, "job \(row.text(1)) has a state that is not known") }
        self.id = row.long(0)
        self.pub = row.text(1)
        self.requestID = row.text(2)
        self.customID = row.textOrNil(3)
        self.kind = Job.Kind(rawValue: row.int(4))
        self.tenant = row.text(5)
        self.batch = row.longOrNil(6)
        self.state = state
        self.lastError = row.textOrNil(8)
        self.generation = row.int(9)
        self.move = LaneTable.Move(row, firstColumn: 10, from: origin.isTerminal ? nil : origin, to: state)
    }
}

extension LaneTable.Move {
    static let columns = "lane, bucket_ms, estimated_tokens, created_ms"

    init(_ row: RawRow, firstColumn: Int32 = 0, from: JobState?, to: JobState?) {
        self.init(
            lane: row.long(firstColumn), bucket: row.long(firstColumn + 1), tokens: row.int(firstColumn + 2), created: row.long(firstColumn + 3), from: from,
            to: to)
    }
}

extension WriteTransaction {
    /// Does all that the end of a job brings with it: its answer, the counts of its batch, the word to those who asked for it.
    mutating func end(_ job: EndedJob, result: JobResult?, attempts: BatchBooking = BatchBooking(), at now: Timestamp) throws {
        self.move(job.move)
        if let result {
            let lines = job.batch == nil ? String(decoding: result.lines, as: UTF8.self) : nil
            try RawStatement("INSERT INTO job_result(job, status, content_type, body, lines) VALUES (?, ?, ?, ?, ?)", in: self.db)
                .run(.integer(job.id), .integer(result.status), .text(result.contentType), .bytes(result.body), .text(lines))
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

    /// Ends a job without an answer; false where `event` does not apply to it.
    @discardableResult
    mutating func end(_ id: Int64, by event: JobState.Event, at now: Timestamp) throws -> Bool {
        let state = JobState.target(of: event)
        let job = try RawStatement("SELECT \(EndedJob.columns) FROM job WHERE id = ? AND \(JobState.allows(event))", in: self.db)
            .first(.integer(id)) { try EndedJob($0, as: state) }
        guard let job else { return false }
        try RawStatement(
            "UPDATE job SET state = \(state.rawValue), finished_ms = ?, owner = NULL WHERE id = ? AND \(JobState.allows(event))", in: self.db
        ).run(.integer(now.milliseconds), .integer(id))
        try self.end(job, result: nil, at: now)
        return true
    }

    /// A line of the output or the error file; gives its length.
    private mutating func addResult(of job: EndedJob, _ result: JobResult?, to batch: Int64) throws -> Int {
        let line = BatchResult(
            sequence: 0, jobID: job.pub, requestID: job.requestID, customID: job.customID ?? "", state: job.state, result: result, lastError: job.lastError
        ).line.count
        try RawStatement("INSERT INTO batch_result(batch, side, job, bytes) VALUES (?, ?, ?, ?)", in: self.db)
            .run(.integer(batch), .integer(job.state == .done ? 0 : 1), .integer(job.id), .integer(line))
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
