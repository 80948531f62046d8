import Dispatch
import GRDB
package import SluiceCore

/// Deferred work in the store's file.
package struct SQLiteJobStore: JobStore {
    let reader: StoreReader
    private let writer: StoreWriter?
    /// The owner of the leases that are given from now on.
    let epoch: Int64
    /// Where leased jobs are handed out.
    let unpacking = DispatchQueue(label: "sluice.store.leases")

    package init(_ database: SQLiteDatabase) {
        self.reader = database.reader
        self.writer = database.writer
        self.epoch = database.epoch
    }

    /// For reading alone: every write is refused.
    package init(reading reader: StoreReader) {
        self.reader = reader
        self.writer = nil
        self.epoch = 0
    }

    /// nil for a store that only reads.
    var counts: Backlog? { self.writer?.backlog }

    func submit<Value: Sendable>(_ work: @escaping @Sendable (inout WriteTransaction) throws -> Value, then: @escaping Completion<Value>) {
        guard let writer else { return then(.failure(.readOnly)) }
        writer.submit(WriteOperation(work, then: then))
    }

    package func enqueue(_ job: Job, call: StoredCall, answer: KeptAnswer?, then: @escaping Completion<Void>) {
        guard job.state == .held || job.state == .ready else {
            return then(.failure(StoreError(.other, "a new job is held or ready, not \(job.state.name)")))
        }
        guard job.batchID == nil, job.source == nil else {
            return then(.failure(StoreError(.other, "the lines of a batch are stored by its own store")))
        }
        self.submit(
            { transaction in
                if let answer { try transaction.checkIsFree(answer.key) }
                try transaction.insert(job, call)
                if let answer { try transaction.keep(answer) }
            }, then: then)
    }
}

extension WriteTransaction {
    private static let insertion = """
        INSERT INTO job(pub, request_id, kind, state, lane, rung, batch, line, custom_id, tenant, api_key, route, model, created_ms, deadline_ms,
          bucket_ms, not_before_ms, promote_at_ms, promote_to, max_cost_pico, estimated_cost_pico, prefix, estimated_tokens, source_offset,
          source_length, has_body, finished_ms)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (batch, line) WHERE batch IS NOT NULL DO NOTHING
        """

    /// Inserts a job of no batch with its request, and gives its number.
    @discardableResult
    mutating func insert(_ job: Job, _ call: StoredCall) throws -> Int64 {
        guard let id = try self.insert(job, in: nil) else { preconditionFailure("a job without a batch is not there twice") }
        let request = String(decoding: StoredRequest.text(of: call.request), as: UTF8.self)
        try RawStatement("INSERT INTO job_body(job, request, client_request_id, fields, body) VALUES (?, ?, ?, ?, ?)", in: self.db)
            .run(.integer(id), .text(request), .text(call.clientRequestID), .bytes(call.fields), .bytes(call.body))
        return id
    }

    /// Inserts a job and gives its number; nil where its batch has that line already.
    mutating func insert(_ job: Job, in batch: Int64?) throws -> Int64? {
        let lane = try self.number(of: job.lane, batch: batch)
        let bucket = job.bucket.milliseconds
        let count = try RawStatement(WriteTransaction.insertion, in: self.db).run(
            .text(job.id), .text(job.requestID), .integer(job.kind.rawValue), .integer(job.state.rawValue), .integer(lane), .integer(job.rung),
            .integer(batch), .integer(job.line), .text(job.customID), .text(job.tenant), .text(job.key), .text(job.route), .text(job.model),
            .integer(job.created.milliseconds), .integer(job.deadline?.milliseconds), .integer(bucket), .integer(job.notBefore.milliseconds),
            .integer(job.promoteAt?.milliseconds), .text(job.promoteTo), .integer(job.maxCost?.pico), .integer(job.estimatedCost?.pico),
            .integer(Int64(bitPattern: job.prefix)), .integer(job.estimatedTokens), .integer(job.source?.offset), .integer(job.source?.length),
            .integer(job.source == nil), .integer(job.finished?.milliseconds))
        guard count == 1 else { return nil }
        let id = self.db.lastInsertedRowID
        if !job.state.isTerminal {
            self.move(
                LaneTable.Move(
                    lane: lane, bucket: bucket, tokens: job.estimatedTokens, created: job.created.milliseconds, from: nil, to: job.state))
        }
        return id
    }
}
