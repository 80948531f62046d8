import GRDB
import GRDBSQLite
import SluiceCore

/// Rows of the ledger on their way into the database with one statement: to run a statement costs more than the rows of it do.
///
/// The one place that speaks to SQLite itself: every request passes here, and binding by hand takes a third of the time.
struct LedgerInsert: Sendable {
    /// How many rows a statement takes.
    static let sizes = [32, 8, 1]

    fileprivate struct Row {
        var seq: Int64
        var at: Int64
        var attempt: Int64?
        var part: Int64?
        /// Where texts lie in ``LedgerInsert/bytes``: pointers to them must hold until the statement is done.
        var requestID: Range<Int>?
        var line: Range<Int>
        var hash: Range<Int>
    }

    private static let columns = 7

    private var rows: [Row] = []
    private var bytes: [UInt8] = []
    /// What the hash of the row at hand is over.
    private var hashed: [UInt8] = []

    mutating func removeAll() {
        self.rows.removeAll(keepingCapacity: true)
        self.bytes.removeAll(keepingCapacity: true)
    }

    /// Adds the row of an entry, and gives the hash of its line.
    mutating func add(_ sealed: SealedEntry, seq: Int64, previous: ChainHash) -> ChainHash {
        let entry = sealed.entry
        let start = self.bytes.count
        if let id = entry.subject?.requestID { self.bytes.append(contentsOf: id.utf8) }
        let line = self.bytes.count
        let hash = sealed.line.withHashed(seq: seq, previous: previous, scratch: &self.hashed, ChainTail.sha256)
        self.bytes += sealed.line.bytes
        let end = self.bytes.count
        hash.withBytes { self.bytes.append(contentsOf: $0) }
        self.rows.append(
            Row(
                seq: seq, at: entry.at.milliseconds, attempt: entry.attempt.map(Int64.init), part: entry.kind.part,
                requestID: entry.subject == nil ? nil : start..<line, line: line..<end, hash: end..<self.bytes.count))
        return hash
    }

    /// Writes the rows, as many as one of ``sizes``.
    ///
    /// - Returns: false where it was one row, and the ledger has the intent or the end of that attempt already.
    /// - Throws: The same of one of several rows: then the transaction must be rolled back.
    func write(to db: Database) throws -> Bool {
        let statement = try db.cachedStatement(sql: LedgerInsert.sql(rows: self.rows.count)).sqliteStatement
        defer { sqlite3_reset(statement) }
        let code = self.bytes.withUnsafeBytes { bytes in
            for (index, row) in self.rows.enumerated() { row.bind(to: statement, from: Int32(index * LedgerInsert.columns), bytes) }
            return sqlite3_step(statement)
        }
        switch code & 0xFF {
        case SQLITE_DONE: return self.rows.count > 1 || db.changesCount > 0
        default: throw DatabaseError(resultCode: ResultCode(rawValue: code), message: db.lastErrorMessage)
        }
    }

    private static let statements = Dictionary(
        uniqueKeysWithValues: Self.sizes.map { rows in
            let values = Array(repeating: "(?, ?, ?, ?, ?, ?, ?)", count: rows).joined(separator: ", ")
            let insert = "INTO ledger(seq, at_ms, attempt, part, request_id, line, hash) VALUES \(values)"
            // A statement of many rows that could be taken back alone would copy each page before it touches it.
            return (rows, rows > 1 ? "INSERT OR FAIL " + insert : "INSERT " + insert + " ON CONFLICT (request_id, attempt, part) DO NOTHING")
        })

    private static func sql(rows: Int) -> String {
        guard let sql = self.statements[rows] else { preconditionFailure("there is no statement for \(rows) rows") }
        return sql
    }
}

extension LedgerInsert.Row {
    /// Binds borrowed pointers: they must hold until the step is done.
    fileprivate func bind(to statement: OpaquePointer, from first: Int32, _ bytes: UnsafeRawBufferPointer) {
        func number(_ column: Int32, _ value: Int64?) {
            if let value { sqlite3_bind_int64(statement, first + column, value) } else { sqlite3_bind_null(statement, first + column) }
        }
        func text(_ column: Int32, _ range: Range<Int>) {
            let start = bytes.baseAddress.map { ($0 + range.lowerBound).assumingMemoryBound(to: CChar.self) }
            sqlite3_bind_text(statement, first + column, start, Int32(range.count), nil)
        }
        number(1, self.seq)
        number(2, self.at)
        number(3, self.attempt)
        number(4, self.part)
        if let requestID { text(5, requestID) } else { sqlite3_bind_null(statement, first + 5) }
        text(6, self.line)
        sqlite3_bind_blob(statement, first + 7, bytes.baseAddress.map { $0 + self.hash.lowerBound }, Int32(self.hash.count), nil)
    }
}
