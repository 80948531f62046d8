import GRDB
import SluiceCore

/// A batch as the transaction sees it that books something on it.
struct BatchStanding {
    static let columns = """
        id, pub, tenant, status, total - done - failed - expired - cancelled, expired, rearm_upto IS NOT NULL, generation, is_paused, input_file
        """

    var id: Int64
    var pub: String
    var tenant: String
    var status: BatchStatus
    var open: Int
    var expired: Int
    var isRearming: Bool
    var generation: Int
    var isPaused: Bool
    var inputFile: String

    init(_ row: RawRow) throws {
        guard let status = BatchStatus(rawValue: row.int(3)) else {
            throw StoreError(.incompatible, "batch \(row.text(1)) has a status that this Sluice does not know")
        }
        self.id = row.long(0)
        self.pub = row.text(1)
        self.tenant = row.text(2)
        self.status = status
        self.open = row.int(4)
        self.expired = row.int(5)
        self.isRearming = row.bool(6)
        self.generation = row.int(7)
        self.isPaused = row.bool(8)
        self.inputFile = row.text(9)
    }

    private static let byID = "SELECT \(BatchStanding.columns) FROM batch WHERE pub = ? AND (? IS NULL OR tenant = ?) AND erased_ms IS NULL"

    static func find(_ id: String, tenant: String?, in db: Database) throws -> BatchStanding? {
        try RawStatement(self.byID, in: db).first(.text(id), .text(tenant), .text(tenant), read: BatchStanding.init)
    }
}

extension WriteTransaction {
    private static let booking = """
        UPDATE batch SET done = done + ?, failed = failed + ?, expired = expired + ?, cancelled = cancelled + ?, output_bytes = output_bytes + ?,
          error_bytes = error_bytes + ?, spent_pico = spent_pico + ?, input = input + ?, cached_input = cached_input + ?,
          cache_write_5m = cache_write_5m + ?, cache_write_1h = cache_write_1h + ?, output = output + ?, reasoning = reasoning + ?,
          audio_input = audio_input + ?, audio_output = audio_output + ?, image_input = image_input + ?
        WHERE id = ?
        """
    private static let ended = "SELECT \(BatchStanding.columns) FROM batch WHERE id = ? AND done + failed + expired + cancelled = total"

    /// Books a step of a line on its batch, and ends the batch with its last line.
    mutating func book(_ booking: BatchBooking, to batch: Int64, at now: Timestamp) throws {
        guard !booking.isNothing else { return }
        let (lines, usage) = (booking.lines, booking.usage)
        let count = try RawStatement(WriteTransaction.booking, in: self.db).run(
            .integer(lines.done), .integer(lines.failed), .integer(lines.expired), .integer(lines.cancelled), .integer(booking.outputBytes),
            .integer(booking.errorBytes), .integer(booking.spent.pico), .integer(usage.input), .integer(usage.cachedInput), .integer(usage.cacheWrite5m),
            .integer(usage.cacheWrite1h), .integer(usage.output), .integer(usage.reasoning), .integer(usage.audioInput), .integer(usage.audioOutput),
            .integer(usage.imageInput), .integer(batch))
        guard count == 1 else { preconditionFailure("a line without its batch") }
        let ended = try RawStatement(WriteTransaction.ended, in: self.db).first(.integer(batch), read: BatchStanding.init)
        if let ended { try self.endIfDone(ended, at: now) }
    }

    /// Books attempts on the batch of a job, where it belongs to one.
    mutating func book(_ booking: BatchBooking, toBatchOf job: Int64, at now: Timestamp) throws {
        guard !booking.isNothing else { return }
        let batch = try RawStatement("SELECT batch FROM job WHERE id = ? AND batch IS NOT NULL", in: self.db).first(.integer(job)) { $0.long(0) }
        guard let batch else { return }
        try self.book(booking, to: batch, at: now)
    }

    /// Ends a batch whose last line has ended.
    mutating func endIfDone(_ batch: BatchStanding, at now: Timestamp) throws {
        guard batch.open == 0, !batch.isRearming, batch.status != .validating else { return }
        try self.carryOut(batch.expired > 0 ? .ranOut : .finished, on: batch, at: now)
    }

    /// Moves a batch along the table of its statuses; what does not apply changes nothing.
    ///
    /// - Returns: The new status, nil where nothing changed.
    @discardableResult
    mutating func carryOut(_ event: BatchStatus.Event, on batch: BatchStanding, at now: Timestamp) throws -> BatchStatus? {
        guard let status = batch.status.after(event) else { return nil }
        let ended: Int64? = status.isTerminal ? now.milliseconds : nil
        try self.db.cachedStatement(
            literal: """
                UPDATE batch SET status = \(status.rawValue), ended_ms = \(ended),
                  in_progress_ms = iif(\(event == .validated), \(now.milliseconds), in_progress_ms),
                  cancelling_ms = iif(\(event == .cancelRequested), \(now.milliseconds), cancelling_ms)
                WHERE id = \(batch.id) AND \(sql: BatchStatus.allows(event))
                """
        ).execute()
        guard self.db.changesCount == 1 else { preconditionFailure("batch \(batch.pub) is not \(batch.status.name), as it was just read") }
        self.halt(batch.id, status == .cancelling || (batch.isPaused && !status.isTerminal))
        if let type = WebhookEvent.end(of: status) {
            try self.queue(WebhookNews(type: type, subject: batch.pub, tenant: batch.tenant, generation: batch.generation, at: now))
        }
        return status
    }

    /// Ends batches whose file was still being checked at their deadline.
    mutating func expireIntakes(at now: Timestamp) throws {
        let late = try RawStatement(
            """
            SELECT \(BatchStanding.columns) FROM batch WHERE status < 3 AND status = \(BatchStatus.validating.rawValue) AND deadline_ms <= ?
            """, in: self.db
        ).all(.integer(now.milliseconds), read: BatchStanding.init)
        for batch in late { try self.carryOut(.ranOut, on: batch, at: now) }
    }
}

extension BatchStatus {
    /// The guard of a statement that carries out `event`, from the one table of transitions.
    static func allows(_ event: Event) -> String {
        "status IN (\(BatchStatus.sources(of: event).map { String($0.rawValue) }.joined(separator: ", ")))"
    }
}

extension WebhookEvent {
    /// What is told of a batch that came to `status`; nil where it goes on.
    fileprivate static func end(of status: BatchStatus) -> WebhookEvent? {
        switch status {
        case .validating, .inProgress, .cancelling: nil
        case .completed: .batchCompleted
        case .failed: .batchFailed
        case .expired: .batchExpired
        case .cancelled: .batchCancelled
        }
    }
}
