import FoundationEssentials
import GRDB
import SluiceCore

/// A row of the table `file`.
enum StoredFileRow {
    static let columns = "pub, tenant, purpose, name, bytes, sha256, created_ms, expires_ms"

    static func read(_ row: Row) throws -> StoredFile {
        guard let purpose = StoredFile.Purpose(rawValue: row[2]) else {
            throw StoreError(.incompatible, "file \(row[0] as String) has a purpose that this Sluice does not know")
        }
        return StoredFile(
            id: row[0], tenant: row[1], purpose: purpose, name: row[3], bytes: row[4], sha256: [UInt8](row[5] as Data),
            created: Timestamp(milliseconds: row[6]), expires: (row[7] as Int64?).map(Timestamp.init(milliseconds:)))
    }

    /// Whether a file is there as a whole.
    static func hasBytes(_ id: String, in db: Database) throws -> Bool {
        try Bool.fetchOne(db.cachedStatement(literal: "SELECT EXISTS (SELECT 1 FROM file WHERE pub = \(id) AND deleted_ms IS NULL)")) ?? false
    }

    /// The requests of a file that lines still wait for, in order; all of it while its lines are being stored. Empty where nobody needs it.
    static func neededRanges(of id: String, in db: Database) throws -> [Range<Int>] {
        let isBeingRead = try Bool.fetchOne(
            db.cachedStatement(
                literal: """
                    SELECT EXISTS (SELECT 1 FROM batch WHERE input_file = \(id) AND status < 3 AND (status = 0 OR stored < total))
                    """))
        if isBeingRead == true { return [0..<Int.max] }
        let rows = try Row.fetchAll(
            db.cachedStatement(
                literal: """
                    SELECT job.source_offset, job.source_length FROM batch JOIN job ON job.batch = batch.id
                    WHERE batch.input_file = \(id) AND batch.status < 3 AND job.state < 4 ORDER BY job.source_offset
                    """))
        return rows.map { row in
            let start: Int = row[0]
            return start..<start + row[1]
        }
    }
}
