import Crypto
import FoundationEssentials
import GRDB
import GRDBSQLite
import SluiceCore

/// The open end of the chain: gives entries their place in it.
///
/// It belongs to the writer, who alone appends. What an operation has appended is taken back with ``rollBack(to:)`` when the operation fails.
struct ChainTail: Sendable {
    struct Appended: Sendable {
        var seq: Int64
        var hash: ChainHash
        var sealed: SealedEntry

        var entry: LedgerEntry { self.sealed.entry }
    }

    /// A state to come back to.
    struct Mark: Sendable {
        fileprivate var seq: Int64
        fileprivate var hash: ChainHash
        fileprivate var count: Int
    }

    private(set) var seq: Int64
    private(set) var hash: ChainHash
    /// What this transaction has appended so far.
    private(set) var appended: [Appended] = []
    private var line: [UInt8] = []

    /// The end of the chain as the database has it.
    init(_ db: Database) throws {
        let row = try Row.fetchOne(db, sql: "SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1")
        self.seq = row?["seq"] ?? 0
        self.hash = row.map { ChainHash(bytes: [UInt8]($0["hash"] as Data)) } ?? .genesis
    }

    var mark: Mark { Mark(seq: self.seq, hash: self.hash, count: self.appended.count) }

    mutating func rollBack(to mark: Mark) {
        self.seq = mark.seq
        self.hash = mark.hash
        self.appended.removeSubrange(mark.count...)
    }

    mutating func removeAppended() {
        self.appended.removeAll(keepingCapacity: true)
    }

    /// Appends an entry, unless the chain has the intent or the end of that attempt already: then false.
    @discardableResult
    mutating func append(_ sealed: SealedEntry, to db: Database) throws -> Bool {
        let seq = self.seq + 1
        let hash = LedgerLine.write(seq: seq, body: sealed.body, previous: self.hash, into: &self.line, sha256: ChainTail.sha256)
        guard try ChainTail.insert(sealed.entry, seq: seq, line: self.line, hash: hash, into: db) else { return false }
        self.seq = seq
        self.hash = hash
        self.appended.append(Appended(seq: seq, hash: hash, sealed: sealed))
        return true
    }

    static func sha256(_ bytes: [UInt8]) -> ChainHash {
        var function = SHA256()
        bytes.withUnsafeBytes { function.update(bufferPointer: $0) }
        return function.finalize().withUnsafeBytes { ChainHash(bytes: $0) }
    }

    /// The one place that speaks to SQLite itself: every request passes here, and binding by hand takes a third of the time.
    ///
    /// - Returns: false where the attempt has such an entry already.
    private static func insert(_ entry: LedgerEntry, seq: Int64, line: [UInt8], hash: ChainHash, into db: Database) throws -> Bool {
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO ledger(seq, at_ms, attempt, part, request_id, line, hash) VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (request_id, attempt, part) DO NOTHING
                """
        ).sqliteStatement
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        sqlite3_bind_int64(statement, 1, seq)
        sqlite3_bind_int64(statement, 2, entry.at.milliseconds)
        if let attempt = entry.attempt { sqlite3_bind_int64(statement, 3, Int64(attempt)) }
        if let part = entry.kind.part { sqlite3_bind_int64(statement, 4, part) }
        // Borrowed pointers: they must hold until the step is done.
        var requestID = entry.subject?.requestID ?? ""
        let code = requestID.withUTF8 { id in
            line.withUnsafeBytes { line in
                hash.withBytes { hash in
                    if entry.subject != nil { sqlite3_bind_text(statement, 5, id.baseAddress, Int32(id.count), nil) }
                    sqlite3_bind_text(statement, 6, line.baseAddress, Int32(line.count), nil)
                    sqlite3_bind_blob(statement, 7, hash.baseAddress, Int32(hash.count), nil)
                    return sqlite3_step(statement)
                }
            }
        }
        guard code == SQLITE_DONE else {
            throw DatabaseError(resultCode: ResultCode(rawValue: code), message: db.lastErrorMessage)
        }
        return db.changesCount > 0
    }
}

extension LedgerEntry.Kind {
    /// The column `part`: what an attempt has at most one of.
    var part: Int64? {
        switch self {
        case .intent: 0
        case .settled, .waste, .inDoubt: 1
        case .correction, .capacity: nil
        }
    }
}
