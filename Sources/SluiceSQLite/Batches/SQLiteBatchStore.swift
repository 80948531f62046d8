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
                try transaction.db.cachedStatement(
                    literal: """
                        INSERT INTO batch(pub, wire, status, is_paused, tenant, api_key, endpoint, input_file, output_file, error_file, completion_window,
                          created_ms, deadline_ms, window_ms, on_deadline, max_cost_pico, metadata, tags)
                        VALUES (\(batch.id), \(batch.wire.rawValue), \(BatchStatus.validating.rawValue), \(batch.isPaused), \(batch.tenant), \(batch.key),
                          \(batch.endpoint.name), \(batch.inputFile), \(batch.outputFile), \(batch.errorFile), \(batch.window),
                          \(batch.created.milliseconds), \(batch.deadline.milliseconds), \((batch.deadline - batch.created).milliseconds),
                          \(batch.onDeadline.rawValue), \(batch.maxCost?.pico), \(batch.metadata.map { Data($0) }), \(tags))
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
                let standing = try Row.fetchOne(
                    transaction.db.cachedStatement(
                        literal: """
                            UPDATE batch SET total = \(total), quote_cost_pico = \(quote?.cost?.pico), quote_finish_ms = \(quote?.finish.milliseconds),
                              quote_risk = \(quote?.risk) WHERE id = \(batch.id) RETURNING \(sql: BatchStanding.columns)
                            """)
                ).map(BatchStanding.init)
                // A batch of no lines is over as soon as it begins.
                if let standing { try transaction.endIfDone(standing, at: now) }
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
            try self.db.cachedStatement(literal: "UPDATE batch SET stored = stored + 1 WHERE id = \(batch.id)").execute()
            guard job.state.isTerminal else { continue }
            let row = try Row.fetchOne(
                self.db.cachedStatement(
                    literal: """
                        UPDATE job SET result_status = \(line.result?.status), has_result = \(line.result != nil) WHERE id = \(id)
                        RETURNING \(sql: EndedJob.columns)
                        """))
            if let row { try self.end(EndedJob(row), from: nil, result: line.result, at: now) }
        }
    }
}
