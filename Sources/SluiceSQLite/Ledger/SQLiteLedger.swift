import GRDB
package import SluiceCore

/// The ledger in the store's file.
package struct SQLiteLedger: Ledger {
    let reader: StoreReader
    let writer: StoreWriter?

    package init(_ database: SQLiteDatabase) {
        self.reader = database.reader
        self.writer = database.writer
    }

    /// For reading alone: what is appended is refused.
    package init(reading reader: StoreReader) {
        self.reader = reader
        self.writer = nil
    }

    package func append(_ entries: [SealedEntry], committed: @escaping @Sendable (Result<Void, StoreError>) -> Void) {
        guard let writer else { return committed(.failure(.readOnly)) }
        writer.append(entries, committed: committed)
    }

    package func append(closing end: LedgerEntry, begun: Timestamp, line: [UInt8], ticket: UInt64?, of desk: CommitDesk) {
        guard let writer else { return desk.tell(ticket, .failure(.readOnly)) }
        writer.append(closing: end, begun: begun, line: line, ticket: ticket, of: desk)
    }

    package func flush(then: @escaping @Sendable (Result<Void, StoreError>) -> Void) {
        guard let writer else { return then(.failure(.readOnly)) }
        writer.flush(then: then)
    }

    package var backlogBytes: Int { self.writer?.backlogBytes ?? 0 }

    package func head() throws(StoreError) -> (seq: Int64, hash: ChainHash)? {
        try self.reader.read { db in
            let last = try ChainTail(db).place
            return last.seq > 0 ? (last.seq, last.hash) : nil
        }
    }

    package func powerCuts(since: Timestamp?, until: Timestamp?) throws(StoreError) -> [Timestamp] {
        try self.reader.read { db in
            let starts = try Int64.fetchAll(
                db.cachedStatement(sql: "SELECT (SELECT min(started_ms) FROM boot WHERE epoch > b.epoch) FROM boot b WHERE ended_ms = -1 ORDER BY epoch"))
            return starts.map { Timestamp(milliseconds: $0) }.filter { instant in
                (since.map { instant >= $0 } ?? true) && (until.map { instant < $0 } ?? true)
            }
        }
    }

    package func isClosed(request id: String, attempt: Int) throws(StoreError) -> Bool {
        try self.reader.read { db in
            try Bool.fetchOne(
                db.cachedStatement(
                    literal: "SELECT EXISTS (SELECT 1 FROM ledger WHERE request_id = \(id) AND attempt = \(attempt) AND part = 1)")) ?? false
        }
    }
}

extension StoreError {
    static let readOnly = StoreError(.closed, "the store was opened for reading alone")
}
