import GRDB
package import SluiceCore

extension SQLiteLedger {
    /// What a walk over the whole ledger found.
    package struct Verification: Sendable {
        package var chain: ChainVerifier
        package var checkpoints: Int
    }

    /// Follows the chain from its first entry, or the first that is left, and compares everything beside it with what its lines say: the columns, the hours, the
    /// checkpoints, the sums of the reports.
    ///
    /// - Parameters:
    ///   - wanted: An entry that must be there.
    ///   - progress: Told now and then how many entries were seen, of how many.
    package func verify(wanted: ChainVerifier.Place?, progress: (Int, Int) -> Void = { _, _ in }) throws(StoreError) -> Verification {
        for _ in 0..<SQLiteLedger.mostWalks {
            let begun = try? self.kept()
            let found = try self.walk(wanted: wanted, progress: progress)
            // A running server may delete under the walk what its time is over of: then it begins anew.
            guard found.chain.firstBad != nil, (try? self.kept()) != begun else { return found }
        }
        throw StoreError(.busy, "entries are being deleted all the time; try again later")
    }

    private static let mostWalks = 5

    private func walk(wanted: ChainVerifier.Place?, progress: (Int, Int) -> Void) throws(StoreError) -> Verification {
        var walk = LedgerWalk(wanted: wanted)
        _ = try self.look(&walk) { walk, db in try walk.begin(in: db, wanted: wanted) }
        let count = try self.look(&walk) { _, db in try Int.fetchOne(db, sql: "SELECT count(*) + count(begun_ms) FROM ledger") ?? 0 } ?? 0
        while try self.look(&walk, { walk, db in try walk.takePage(in: db) }) == true { progress(walk.chain.entries, count) }
        walk.chain.finish()
        if walk.chain.firstBad == nil {
            // What was appended since the walk began stands behind it, and is in the sums already: so they are compared in one snapshot.
            _ = try self.look(&walk) { walk, db in
                while try walk.takePage(in: db) {}
                try walk.compareSums(in: db)
            }
        }
        let checkpoints = try self.look(&walk) { _, db in try Int.fetchOne(db, sql: "SELECT count(*) FROM checkpoint") ?? 0 } ?? 0
        return Verification(chain: walk.chain, checkpoints: checkpoints)
    }

    /// One read, in which bytes that SQLite itself cannot make sense of are a finding like others; nil then.
    private func look<T>(_ walk: inout LedgerWalk, _ body: (inout LedgerWalk, Database) throws -> T) throws(StoreError) -> T? {
        do throws(StoreError) {
            return try self.reader.read { db in try body(&walk, db) }
        } catch {
            guard error.tellsDamage else { throw error }
            walk.chain.fail((walk.chain.head?.seq ?? 0) + 1, "the file is damaged (\(error.message))")
            return nil
        }
    }
}
