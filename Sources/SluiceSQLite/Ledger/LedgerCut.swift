import GRDB
import SluiceCore

/// Where the ledger begins since what was before has been deleted: the checkpoint that stands for it.
struct LedgerCut {
    var place: ChainVerifier.Place
    /// When the first entry that is left was written. Nothing was deleted of its hour, nor of later ones.
    var at: Timestamp
    /// Over all that was deleted.
    var totals: RollupMeasures

    /// nil where nothing was deleted yet.
    static func current(in db: Database) throws -> LedgerCut? {
        guard try db.tableExists("ledger_cut"), let seq = try Int64.fetchOne(db, sql: "SELECT max(seq) FROM ledger_cut") else { return nil }
        let statement = try RawStatement("SELECT seq, hash, at_ms, totals FROM checkpoint WHERE seq = ?", in: db)
        let found = try statement.all(.integer(Int(seq))) { row in
            let hash = row.array(1)
            guard hash.count == 32, let totals = try? RollupMeasures(text: row.array(3)) else { return LedgerCut?.none }
            return LedgerCut(place: .init(seq: row.long(0), hash: ChainHash(bytes: hash)), at: Timestamp(milliseconds: row.long(2)), totals: totals)
        }
        guard let cut = found.first ?? nil else {
            throw StoreError(.ioFailure, "entries up to \(seq) were deleted, and the checkpoint that stands for them cannot be read", tellsDamage: true)
        }
        return cut
    }
}

/// The hourly sums that were deleted.
struct RollupCut {
    /// The first hour whose sums are kept.
    var hour = Timestamp.distantPast
    /// Over all that was deleted.
    var totals = RollupMeasures()

    static func current(in db: Database) throws -> RollupCut {
        guard try db.tableExists("rollup_cut") else { return RollupCut() }
        let found = try RawStatement("SELECT hour_ms, totals FROM rollup_cut", in: db).all { row in
            RollupCut(hour: Timestamp(milliseconds: row.long(0)), totals: try RollupMeasures(text: row.array(1)))
        }
        return found.first ?? RollupCut()
    }
}
