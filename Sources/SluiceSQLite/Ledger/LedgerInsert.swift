import GRDB
import GRDBSQLite
import SluiceCore

/// Writes rows of the ledger many with one statement: to run a statement costs more than the rows of it do.
///
/// The one place that speaks to SQLite itself: every request passes here, and binding by hand takes a third of the time.
struct LedgerInsert: Sendable {
    /// How many rows a statement takes.
    static let sizes = [32, 8, 1]

    private static let columns = 8
    private static let hashBytes = 32

    /// Of the row at hand.
    private var values = ShortLine.Values()

    /// Writes rows, as many as one of ``sizes``.
    ///
    /// - Parameter bytes: Of the rows' pack.
    /// - Returns: The new end of the chain; nil where it was one row, and the ledger has the intent or the end of that attempt already.
    /// - Throws: The same of one of several rows: then the transaction must be rolled back.
    mutating func write(
        _ rows: ArraySlice<EntryPack.Row>, of bytes: UnsafeRawBufferPointer, behind last: ChainTail.Place, to db: Database
    ) throws -> ChainTail.Place? {
        let statement = try db.cachedStatement(sql: LedgerInsert.sql(rows: rows.count)).sqliteStatement
        defer { sqlite3_reset(statement) }
        var place = last
        // What is bound are pointers, which must hold until the step is done.
        let code = withUnsafeTemporaryAllocation(byteCount: rows.count * LedgerInsert.hashBytes, alignment: 8) { hashes in
            var column: Int32 = 0
            var room = hashes[...]
            for row in rows {
                let line = UnsafeRawBufferPointer(rebasing: bytes[Int(row.line)..<Int(row.end)])
                precondition(self.values.find(in: line), "what is appended to the chain has every member")
                if let begun = row.begun { self.append(line, ofIntentAt: Timestamp(milliseconds: begun), behind: &place) }
                self.append(line, ofIntentAt: nil, behind: &place)
                let hash = UnsafeMutableRawBufferPointer(rebasing: room.prefix(LedgerInsert.hashBytes))
                place.hash.withBytes { hash.copyMemory(from: $0) }
                row.bind(to: statement, from: column, seq: place.seq, bytes, line, UnsafeRawBufferPointer(hash))
                column += Int32(LedgerInsert.columns)
                room = room.dropFirst(LedgerInsert.hashBytes)
            }
            return sqlite3_step(statement)
        }
        switch code & 0xFF {
        case SQLITE_DONE: return rows.count > 1 || db.changesCount > 0 ? place : nil
        default: throw DatabaseError(resultCode: ResultCode(rawValue: code), message: db.lastErrorMessage)
        }
    }

    private mutating func append(_ line: UnsafeRawBufferPointer, ofIntentAt begun: Timestamp?, behind place: inout ChainTail.Place) {
        place.seq += 1
        place.hash = self.values.withHashed(line, ofIntentAt: begun, seq: place.seq, previous: place.hash, ChainTail.sha256)
    }

    private static let unlessThere = "ON CONFLICT (request_id, attempt, part) WHERE request_id IS NOT NULL DO NOTHING"

    private static let statements = Dictionary(
        uniqueKeysWithValues: Self.sizes.map { rows in
            let values = Array(repeating: "(?, ?, ?, ?, ?, ?, ?, ?)", count: rows).joined(separator: ", ")
            let insert = "INTO ledger(seq, at_ms, attempt, part, request_id, line, hash, begun_ms) VALUES \(values)"
            // A statement of many rows that could be taken back alone would copy each page before it touches it.
            return (rows, rows > 1 ? "INSERT OR FAIL " + insert : "INSERT " + insert + " \(LedgerInsert.unlessThere)")
        })

    private static func sql(rows: Int) -> String {
        guard let sql = self.statements[rows] else { preconditionFailure("there is no statement for \(rows) rows") }
        return sql
    }
}

extension EntryPack.Row {
    fileprivate func bind(
        to statement: OpaquePointer, from first: Int32, seq: Int64, _ bytes: UnsafeRawBufferPointer, _ line: UnsafeRawBufferPointer,
        _ hash: UnsafeRawBufferPointer
    ) {
        func number(_ column: Int32, _ value: Int64?) {
            if let value { sqlite3_bind_int64(statement, first + column, value) } else { sqlite3_bind_null(statement, first + column) }
        }
        func text(_ column: Int32, _ text: UnsafeRawBufferPointer) {
            sqlite3_bind_text(statement, first + column, text.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(text.count), nil)
        }
        number(1, seq)
        number(2, self.at)
        number(3, self.attempt.map(Int64.init))
        number(4, self.part.map(Int64.init))
        if self.start < self.line {
            text(5, UnsafeRawBufferPointer(rebasing: bytes[Int(self.start)..<Int(self.line)]))
        } else {
            sqlite3_bind_null(statement, first + 5)
        }
        text(6, line)
        sqlite3_bind_blob(statement, first + 7, hash.baseAddress, Int32(hash.count), nil)
        number(8, self.begun)
    }
}
