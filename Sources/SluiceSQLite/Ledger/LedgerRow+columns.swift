import GRDB
import SluiceCore

/// What the rows of the table hold.
///
/// The column `line` holds a ``ShortLine``; what versions before the tenth migration wrote stands there in full. Where `begun_ms` has a value the row
/// holds the intent of the call as well, as the entry before its own; what the eleventh wrote has a row of its own for that, with an empty line.
extension LedgerRow {
    /// What ``rows(of:)`` reads. `line` is that of the next row where the row has none; `at` then says when the intent was. `before` is the hash that the
    /// first of the row's entries is chained to, of whose entry nothing but a checkpoint may be left; NULL before the first of all.
    static let columns = """
        seq, CASE line WHEN '' THEN (SELECT line FROM ledger AS next WHERE next.seq = ledger.seq + 1) ELSE line END AS line, hash,
        coalesce(
          (SELECT hash FROM ledger AS last WHERE last.seq = ledger.seq - 1 - (ledger.begun_ms IS NOT NULL)),
          (SELECT hash FROM checkpoint WHERE checkpoint.seq = ledger.seq - 1 - (ledger.begun_ms IS NOT NULL))) AS before,
        CASE line WHEN '' THEN at_ms END AS at, begun_ms
        """
    static let columnCount = 6

    /// What a line can say: until the year 9999.
    private static let instants: Range<Int64> = 0..<253_402_300_800_000

    /// The entries that a row holds: one, or two.
    ///
    /// - Throws: Where it holds no line.
    static func rows(of row: Row) throws -> [LedgerRow] {
        guard let found = self.found(in: row) else {
            throw StoreError(.ioFailure, "entry \(row[0] as Int64) of the ledger cannot be read", tellsDamage: true)
        }
        return found
    }

    /// The same; nil where it holds no line. Its columns may hold anything.
    static func found(in row: Row) -> [LedgerRow]? {
        let seq: Int64 = row[0]
        let (at, begun): (DatabaseValue, DatabaseValue) = (row[4], row[5])
        guard at.isNull || begun.isNull, case .string(let text) = (row[1] as DatabaseValue).storage else { return nil }
        if text.utf8.first == UInt8(ascii: "{") { return at.isNull && begun.isNull ? [LedgerRow(seq: seq, line: Array(text.utf8))] : nil }
        guard let hash = ChainHash(row[2] as DatabaseValue), let before = self.hash(before: row[3]) else { return nil }
        let short = ShortLine(bytes: Array(text.utf8))
        if begun.isNull {
            guard let own = self.instant(at), let line = short.line(seq: seq, previous: before, ofIntentAt: own, { _ in hash }) else { return nil }
            return [LedgerRow(seq: seq, line: line.text)]
        }
        // The first entry has none before it, and in a file that was changed a number may be any.
        guard seq > 1, let instant = self.instant(begun) ?? nil,
            let intent = short.line(seq: seq - 1, previous: before, ofIntentAt: instant, ChainTail.sha256),
            let end = short.line(seq: seq, previous: intent.hash, { _ in hash })
        else { return nil }
        return [LedgerRow(seq: seq - 1, line: intent.text), LedgerRow(seq: seq, line: end.text)]
    }

    private static func hash(before value: DatabaseValue) -> ChainHash? { value.isNull ? .genesis : ChainHash(value) }

    /// nil in it for `NULL`, and nil for what is no instant.
    private static func instant(_ value: DatabaseValue) -> Timestamp?? {
        if value.isNull { return .some(nil) }
        guard case .int64(let milliseconds) = value.storage, self.instants.contains(milliseconds) else { return nil }
        return Timestamp(milliseconds: milliseconds)
    }
}

extension LedgerEntry {
    /// From the column `line` alone.
    init(stored line: some Collection<UInt8>, seq: Int64) throws(StoreError) {
        do throws(LedgerLineError) {
            if line.first == UInt8(ascii: "{") {
                self = try LedgerLine.read(Array(line)).entry
            } else {
                self = try LedgerLine.read(body: ShortLine(bytes: Array(line)).body ?? [])
            }
        } catch {
            throw StoreError(.other, "entry \(seq) of the ledger cannot be read: \(error.message)")
        }
    }
}

extension ChainHash {
    fileprivate init?(_ value: DatabaseValue) {
        guard case .blob(let bytes) = value.storage, bytes.count == 32 else { return nil }
        self.init(bytes: [UInt8](bytes))
    }
}
