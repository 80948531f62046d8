import FoundationEssentials
import GRDB
package import SluiceCore

/// Deferred work in the store's file.
package struct SQLiteJobStore: JobStore {
    let reader: StoreReader
    private let writer: StoreWriter?
    /// The owner of the leases that are given from now on.
    let epoch: Int64

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

    func submit<Value: Sendable>(_ work: @escaping @Sendable (inout WriteTransaction) throws -> Value, then: @escaping Completion<Value>) {
        guard let writer else { return then(.failure(.readOnly)) }
        writer.submit(WriteOperation(work, then: then))
    }

    package func enqueue(_ job: Job, call: StoredCall, then: @escaping Completion<Void>) {
        guard job.state == .held || job.state == .ready else {
            return then(.failure(StoreError(.other, "a new job is held or ready, not \(job.state.name)")))
        }
        let request = String(decoding: StoredRequest.text(of: call.request), as: UTF8.self)
        self.submit(
            { transaction in
                let db = transaction.db
                try db.cachedStatement(sql: SQLiteJobStore.insertion).execute(
                    arguments: [
                        job.id, job.requestID, job.kind.rawValue, job.state.rawValue, try job.lane.number(in: db), job.rung, job.batchID, job.line,
                        job.customID, job.tenant, job.key, job.route, job.model, job.created.milliseconds, job.deadline?.milliseconds,
                        job.bucket.milliseconds, job.notBefore.milliseconds, job.promoteAt?.milliseconds, job.promoteTo, job.maxCost?.pico,
                        job.estimatedCost?.pico,
                    ])
                try db.cachedStatement(sql: "INSERT INTO job_body(job, request, client_request_id, fields, body) VALUES (?, ?, ?, ?, ?)").execute(
                    arguments: [db.lastInsertedRowID, request, call.clientRequestID, Data(call.fields), Data(call.body)])
            }, then: then)
    }

    private static let insertion = """
        INSERT INTO job(pub, request_id, kind, state, lane, rung, batch_id, line, custom_id, tenant, api_key, route, model, created_ms, deadline_ms,
          bucket_ms, not_before_ms, promote_at_ms, promote_to, max_cost_pico, estimated_cost_pico)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
}
