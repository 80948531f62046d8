import GRDB
import SluiceCore

/// The column `line` holds a ``ShortLine``; what versions before the tenth migration wrote stands there in full.
extension LedgerRow {
    /// What ``init(row:)`` reads. Last comes the hash of the entry before, of which nothing but its checkpoint may be left; NULL before the first.
    static let columns = """
        seq, line, hash, coalesce(
          (SELECT hash FROM ledger AS before WHERE before.seq = ledger.seq - 1), (SELECT hash FROM checkpoint WHERE checkpoint.seq = ledger.seq - 1))
        """

    /// - Throws: Where the row holds no line.
    init(row: Row) throws {
        let seq: Int64 = row[0]
        guard let line = LedgerRow.line(row[1], seq: seq, hash: row[2], previous: row[3]) else {
            throw StoreError(.ioFailure, "entry \(seq) of the ledger cannot be read", tellsDamage: true)
        }
        self.init(seq: seq, line: line)
    }

    /// The export line, from the values of those columns; nil where they are none. They may be anything.
    static func line(_ stored: DatabaseValue, seq: Int64, hash: DatabaseValue, previous: DatabaseValue) -> [UInt8]? {
        guard case .string(let text) = stored.storage else { return nil }
        if text.utf8.first == UInt8(ascii: "{") { return Array(text.utf8) }
        guard let hash = ChainHash(hash), let previous = previous.isNull ? .genesis : ChainHash(previous) else { return nil }
        return ShortLine(bytes: Array(text.utf8)).line(seq: seq, previous: previous, hash: hash)
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
