import FoundationEssentials
import GRDB
import SluiceCore

/// A row of the table `batch`.
enum BatchRow {
    static let columns = """
        batch.id, batch.pub, batch.wire, batch.status, batch.is_paused, batch.tenant, batch.api_key, batch.endpoint, batch.input_file, batch.output_file,
        batch.error_file, batch.completion_window, batch.created_ms, batch.deadline_ms, batch.on_deadline, batch.max_cost_pico, batch.spent_pico,
        batch.metadata, batch.tags, batch.quote_cost_pico, batch.quote_finish_ms, batch.quote_risk, batch.total, batch.done, batch.failed, batch.expired,
        batch.cancelled, batch.output_bytes, batch.error_bytes, batch.is_output_deleted, batch.is_error_deleted, batch.in_progress_ms,
        batch.cancelling_ms, batch.ended_ms, batch.input, batch.cached_input, batch.cache_write_5m, batch.cache_write_1h, batch.output, batch.reasoning,
        batch.audio_input, batch.audio_output, batch.image_input, batch.output_life_ms
        """
    private static let firstTokenColumn = 34

    static func read(_ row: Row, in db: Database) throws -> Batch {
        guard let wire = Batch.Wire(rawValue: row[2]), let status = BatchStatus(rawValue: row[3]), let endpoint = Endpoint(name: row[7] as String),
            let onDeadline = Batch.OnDeadline(rawValue: row[14])
        else { throw StoreError(.incompatible, "batch \(row[1] as String) has a wire format, a status or an endpoint that this Sluice does not know") }
        var batch = Batch(
            id: row[1], wire: wire, tenant: row[5], key: row[6], endpoint: endpoint, inputFile: row[8], outputFile: row[9], errorFile: row[10], window: row[11],
            created: Timestamp(milliseconds: row[12]), deadline: Timestamp(milliseconds: row[13]))
        batch.status = status
        batch.isPaused = row[4]
        batch.onDeadline = onDeadline
        batch.maxCost = (row[15] as Int64?).map(Money.init(pico:))
        batch.spent = Money(pico: row[16])
        batch.metadata = (row[17] as Data?).map { [UInt8]($0) }
        batch.tags = try StoredTags.read(row[18])
        if let finish: Int64 = row[20], let risk: Double = row[21] {
            batch.quote = Batch.Quote(cost: (row[19] as Int64?).map(Money.init(pico:)), finish: Timestamp(milliseconds: finish), risk: risk)
        }
        batch.lines = self.lines(row)
        batch.outputBytes = row[27]
        batch.errorBytes = row[28]
        batch.isOutputDeleted = row[29]
        batch.isErrorDeleted = row[30]
        batch.times.inProgress = (row[31] as Int64?).map(Timestamp.init(milliseconds:))
        batch.times.cancelling = (row[32] as Int64?).map(Timestamp.init(milliseconds:))
        batch.times.ended = (row[33] as Int64?).map(Timestamp.init(milliseconds:))
        for (index, tokenClass) in TokenClass.allCases.enumerated() { batch.usage[tokenClass] = row[self.firstTokenColumn + index] }
        batch.outputLife = (row[self.firstTokenColumn + TokenClass.allCases.count] as Int64?).map { .milliseconds($0) }
        if status == .failed { batch.faults = try self.faults(of: row[0], in: db) }
        return batch
    }

    private static func lines(_ row: Row) -> Batch.Lines {
        var lines = Batch.Lines()
        lines.total = row[22]
        lines.done = row[23]
        lines.failed = row[24]
        lines.expired = row[25]
        lines.cancelled = row[26]
        return lines
    }

    private static func faults(of batch: Int64, in db: Database) throws -> [BatchFault] {
        try Row.fetchAll(db.cachedStatement(literal: "SELECT code, message, param, line FROM batch_fault WHERE batch = \(batch) ORDER BY n")).map { row in
            guard let code = BatchFault.Code(rawValue: row[0]) else {
                throw StoreError(.incompatible, "a batch has a fault that this Sluice does not know: \(row[0] as String)")
            }
            return BatchFault(code, row[1], param: row[2], line: row[3])
        }
    }

    static func find(_ id: String, tenant: String?, in db: Database) throws -> Batch? {
        try Row.fetchOne(
            db.cachedStatement(
                literal: """
                    SELECT \(sql: self.columns) FROM batch
                    WHERE pub = \(id) AND (\(tenant) IS NULL OR tenant = \(tenant)) AND erased_ms IS NULL
                    """)
        ).map { try self.read($0, in: db) }
    }
}
