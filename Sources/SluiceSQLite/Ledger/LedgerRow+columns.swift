import GRDB
import SluiceCore

/// The column `line` holds a ``ShortLine``; what versions before the tenth migration wrote stands there in full. It is empty where the next entry
/// ends the call that this one is the intent of.
extension LedgerRow {
    /// What ``init(row:)`` reads: `line` is that of the next entry where the row has none, and `begun` then says when the intent was. Last comes the hash of
    /// the entry before, of which nothing but its checkpoint may be left; NULL before the first.
    static let columns = """
        seq, CASE line WHEN '' THEN (SELECT line FROM ledger AS next WHERE next.seq = ledger.seq + 1) ELSE line END AS line, hash,
        coalesce(
          (SELECT hash FROM ledger AS before WHERE before.seq = ledger.seq - 1), (SELECT hash FROM checkpoint WHERE checkpoint.seq = ledger.seq - 1)),
        CASE line WHEN '' THEN at_ms END AS begun
        """
    static let columnCount = 5

    /// What a line can say: until the year 9999.
    private static let instants: Range<Int64> = 0..<253_402_300_800_000

    /// - Throws: Where the row holds no line.
    init(row: Row) throws {
        let seq: Int64 = row[0]
        guard let line = LedgerRow.line(row[1], seq: seq, hash: row[2], previous: row[3], begun: row[4]) else {
            throw StoreError(.ioFailure, "entry \(seq) of the ledger cannot be read", tellsDamage: true)
        }
        self.init(seq: seq, line: line)
    }

    /// The export line, from the values of those columns; nil where they are none. They may be anything.
    static func line(_ stored: DatabaseValue, seq: Int64, hash: DatabaseValue, previous: DatabaseValue, begun: DatabaseValue) -> [UInt8]? {
        guard case .string(let text) = stored.storage else { return nil }
        if text.utf8.first == UInt8(ascii: "{") { return begun.isNull ? Array(text.utf8) : nil }
        guard let hash = ChainHash(hash), let previous = previous.isNull ? .genesis : ChainHash(previous) else { return nil }
        let short = ShortLine(bytes: Array(text.utf8))
        if begun.isNull { return short.line(seq: seq, previous: previous, hash: hash) }
        guard case .int64(let milliseconds) = begun.storage, self.instants.contains(milliseconds) else { return nil }
        return short.line(seq: seq, previous: previous, hash: hash, ofIntentAt: Timestamp(milliseconds: milliseconds))
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
