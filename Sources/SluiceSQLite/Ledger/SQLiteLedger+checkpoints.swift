package import SluiceCore

/// What the chain was up to one entry: to be kept elsewhere, so that a tail that was cut off is seen.
package struct LedgerCheckpoint: Sendable {
    package var place: ChainVerifier.Place
    /// When the first entry of the next hour was written.
    package var at: Timestamp
    package var entries: Int
    /// Over the whole chain.
    package var totals: RollupMeasures
}

extension SQLiteLedger {
    /// The newest checkpoints, oldest first.
    package func checkpoints(newest limit: Int) throws(StoreError) -> [LedgerCheckpoint] {
        try self.reader.read { db in
            let statement = try RawStatement("SELECT seq, hash, at_ms, entries, totals FROM checkpoint ORDER BY seq DESC LIMIT ?", in: db)
            let newest = try statement.all(.integer(limit)) { row in
                let hash = row.array(1)
                guard hash.count == 32 else { throw StoreError(.other, "checkpoint \(row.long(0)) cannot be read") }
                return LedgerCheckpoint(
                    place: .init(seq: row.long(0), hash: ChainHash(bytes: hash)), at: Timestamp(milliseconds: row.long(2)), entries: row.int(3),
                    totals: try RollupMeasures(text: row.array(4)))
            }
            return newest.reversed()
        }
    }
}
