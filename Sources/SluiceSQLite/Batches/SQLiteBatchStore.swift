import FoundationEssentials
import GRDB
package import SluiceCore

/// Batches in the store's file.
package struct SQLiteBatchStore: BatchStore {
    let reader: StoreReader
    private let writer: StoreWriter?

    package init(_ database: SQLiteDatabase) {
        self.reader = database.reader
        self.writer = database.writer
    }

    /// For reading alone: every write is refused.
    package init(reading reader: StoreReader) {
        self.reader = reader
        self.writer = nil
    }

    func submit<Value: Sendable>(_ work: @escaping @Sendable (inout WriteTransaction) throws -> Value, then: @escaping Completion<Value>) {
        guard let writer else { return then(.failure(.readOnly)) }
        writer.submit(WriteOperation(work, then: then))
    }

    package func create(_ batch: Batch, answer: KeptAnswer?, then: @escaping Completion<Void>) {
        let tags = String(decoding: StoredTags.text(of: batch.tags), as: UTF8.self)
        self.submit(
            { transaction in
                if let answer { try transaction.checkIsFree(answer.key) }
                try transaction.db.cachedStatement(
                    literal: """
                        INSERT INTO batch(pub, wire, status, is_paused, tenant, api_key, endpoint, input_file, output_file, error_file, completion_window,
                          created_ms, deadline_ms, window_ms, on_deadline, max_cost_pico, metadata, tags, output_life_ms)
                        VALUES (\(batch.id), \(batch.wire.rawValue), \(BatchStatus.validating.rawValue), \(batch.isPaused), \(batch.tenant), \(batch.key),
                          \(batch.endpoint.name), \(batch.inputFile), \(batch.outputFile), \(batch.errorFile), \(batch.window),
                          \(batch.created.milliseconds), \(batch.deadline.milliseconds), \((batch.deadline - batch.created).milliseconds),
                          \(batch.onDeadline.rawValue), \(batch.maxCost?.pico), \(batch.metadata.map { Data($0) }), \(tags),
                          \(batch.outputLife?.milliseconds))
                        """
                ).execute()
                if let answer { try transaction.keep(answer) }
            }, then: then)
    }

    package func refuse(_ id: String, faults: [BatchFault], at now: Timestamp, then: @escaping Completion<Bool>) {
        self.submit(
            { transaction in
                guard let batch = try BatchStanding.find(id, tenant: nil, in: transaction.db),
                    try transaction.carryOut(.refused, on: batch, at: now) != nil
                else { return false }
                for (n, fault) in faults.prefix(BatchFault.mostKept).enumerated() {
                    try transaction.db.cachedStatement(
                        literal: """
                            INSERT INTO batch_fault(batch, n, code, message, param, line)
                            VALUES (\(batch.id), \(n), \(fault.code.rawValue), \(fault.message), \(fault.param), \(fault.line))
                            """
                    ).execute()
                }
                return true
            }, then: then)
    }

    package func begin(_ id: String, total: Int, quote: Batch.Quote?, at now: Timestamp, then: @escaping Completion<Bool>) {
        self.submit(
            { transaction in
                guard let batch = try BatchStanding.find(id, tenant: nil, in: transaction.db),
                    try transaction.carryOut(.validated, on: batch, at: now) != nil
                else { return false }
                try transaction.db.cachedStatement(
                    literal: """
                        UPDATE batch SET total = \(total), quote_cost_pico = \(quote?.cost?.pico), quote_finish_ms = \(quote?.finish.milliseconds),
                          quote_risk = \(quote?.risk) WHERE id = \(batch.id)
                        """
                ).execute()
                // A batch of no lines is over as soon as it begins.
                if let begun = try BatchStanding.find(id, tenant: nil, in: transaction.db) { try transaction.endIfDone(begun, at: now) }
                return true
            }, then: then)
    }

    package func add(_ lines: [BatchLine], to id: String, at now: Timestamp, then: @escaping Completion<Bool>) {
        self.submit(
            { transaction in
                guard let batch = try BatchStanding.find(id, tenant: nil, in: transaction.db), batch.status == .inProgress || batch.status == .cancelling
                else { return false }
                try transaction.add(lines, to: batch, at: now)
                return true
            }, then: then)
    }

    package func pause(_ id: String, _ isPaused: Bool, tenant: String?, then: @escaping Completion<Batch?>) {
        self.submit(
            { transaction in
                let db = transaction.db
                guard let batch = try BatchStanding.find(id, tenant: tenant, in: db) else { return nil }
                if !batch.status.isTerminal {
                    try db.cachedStatement(literal: "UPDATE batch SET is_paused = \(isPaused) WHERE id = \(batch.id)").execute()
                    transaction.halt(batch.id, isPaused || batch.status == .cancelling)
                }
                return try BatchRow.find(id, tenant: tenant, in: db)
            }, then: then)
    }
}

extension WriteTransaction {
    /// Stores lines that the batch has not yet: ready, or at an end where they failed before or the batch is being cancelled.
    fileprivate mutating func add(_ lines: [BatchLine], to batch: BatchStanding, at now: Timestamp) throws {
        self.halt(batch.id, batch.isPaused || batch.status == .cancelling)
        var stored = 0
        for line in lines {
            guard line.source.file == batch.inputFile, line.job.line != nil, line.job.customID != nil else {
                throw StoreError(.other, "what is added to batch \(batch.pub) is no line of its file")
            }
            var job = line.job
            job.batchID = batch.pub
            job.source = line.source
            if line.result != nil { job.state = .failed } else if batch.status == .cancelling { job.state = .cancelled }
            if job.state.isTerminal { job.finished = now }
            guard let id = try self.insert(job, in: batch.id) else { continue }
            stored += 1
            if job.state.isTerminal { try self.endAtOnce(id, line.result, at: now) }
        }
        try RawStatement("UPDATE batch SET stored = stored + ? WHERE id = ?", in: self.db).run(.integer(stored), .integer(batch.id))
    }

    /// Does for a line that was stored at its end what comes with the end.
    private mutating func endAtOnce(_ id: Int64, _ result: JobResult?, at now: Timestamp) throws {
        try RawStatement("UPDATE job SET result_status = ?, has_result = ? WHERE id = ?", in: self.db)
            .run(.integer(result?.status), .integer(result != nil), .integer(id))
        let job = try RawStatement("SELECT \(EndedJob.columns) FROM job WHERE id = ?", in: self.db)
            .first(.integer(id)) { try EndedJob($0, as: result == nil ? .cancelled : .failed) }
        guard let job else { preconditionFailure("a line that was just stored is not there") }
        try self.end(job, result: result, at: now)
    }
}
