import FoundationEssentials
import GRDB
package import SluiceCore

extension SQLiteLedger {
    /// What a walk over the whole ledger found.
    package struct Verification: Sendable {
        package var chain: ChainVerifier
        package var checkpoints: Int
    }

    /// Follows the chain from its first entry, and compares everything beside it with what its lines say: the columns, the hours, the
    /// checkpoints, the sums of the reports.
    ///
    /// - Parameters:
    ///   - wanted: An entry that must be there.
    ///   - progress: Told now and then how many entries were seen, of how many.
    package func verify(wanted: ChainVerifier.Place?, progress: (Int, Int) -> Void = { _, _ in }) throws(StoreError) -> Verification {
        var walk = LedgerWalk(wanted: wanted)
        let count = try self.reader.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM ledger") ?? 0 }
        while let page = try self.reader.read({ db in try LedgerWalk.page(after: walk.last, in: db) }) {
            for row in page { walk.add(row) }
            progress(walk.chain.entries, count)
        }
        walk.chain.finish()
        if walk.chain.firstBad == nil {
            // What was appended since the walk began stands behind it, and is in the sums already: so they are compared in one snapshot.
            try self.reader.read { db in
                while let page = try LedgerWalk.page(after: walk.last, in: db) { for row in page { walk.add(row) } }
                try walk.compareSums(in: db)
            }
        }
        let checkpoints = try self.reader.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM checkpoint") ?? 0 }
        return Verification(chain: walk.chain, checkpoints: checkpoints)
    }
}

/// The way through the table, and what it adds up to.
private struct LedgerWalk {
    private static let pageSize = 2000

    var chain: ChainVerifier
    /// The last row that was read, whatever its line says.
    private(set) var last = Int64.min
    private var hours: [Timestamp: (first: Int64, last: Int64, count: Int)] = [:]
    private var sums: [RollupKey: RollupMeasures] = [:]
    private var totals = RollupMeasures()
    private var hour: Timestamp?
    private var checkpoints: [Int64: Checkpoint] = [:]

    private struct Checkpoint: Equatable {
        var hash: ChainHash
        var at: Timestamp
        var entries: Int64
        var totals: RollupMeasures
    }

    init(wanted: ChainVerifier.Place?) {
        self.chain = ChainVerifier(wanted: wanted, sha256: { $0.withUnsafeBytes(ChainTail.sha256) })
    }

    static func page(after seq: Int64, in db: Database) throws -> [Row]? {
        let page = try Row.fetchAll(
            db.cachedStatement(
                sql: "SELECT seq, at_ms, request_id, attempt, part, line, hash FROM ledger WHERE seq > ? ORDER BY seq LIMIT ?"),
            arguments: [seq, self.pageSize])
        return page.isEmpty ? nil : page
    }

    mutating func add(_ row: Row) {
        let before = self.chain.head
        let seq: Int64 = row[0]
        self.last = seq
        guard let parts = self.chain.check(Array((row[5] as String).utf8)) else { return }
        let entry = parts.entry
        let hash = row[6] as Data
        if parts.seq != seq || entry.at.milliseconds != row[1] || entry.subject?.requestID != row[2] || entry.attempt != row[3]
            || entry.kind.part != row[4] || [UInt8](hash) != parts.hash.bytes
        {
            self.chain.fail(seq, "the columns beside its line say something else")
        }
        self.addUp(entry, seq: seq, before: before)
    }

    private mutating func addUp(_ entry: LedgerEntry, seq: Int64, before: ChainVerifier.Place?) {
        let hour = entry.at.hour
        if let latest = self.hour, hour > latest, let before {
            self.checkpoints[before.seq] = Checkpoint(hash: before.hash, at: entry.at, entries: before.seq, totals: self.totals)
        }
        self.hour = max(hour, self.hour ?? hour)
        let span = self.hours[hour] ?? (seq, seq, 0)
        self.hours[hour] = (span.first, seq, span.count + 1)
        self.totals.add(entry)
        var rollups = Rollups()
        rollups.add(entry)
        for (key, measures) in rollups.measures { self.sums[key.withTagName, default: RollupMeasures()] += measures }
    }

    mutating func compareSums(in db: Database) throws {
        try self.compareHours(in: db)
        try self.compareCheckpoints(in: db)
        let rows = try Row.fetchCursor(
            db, sql: "SELECT by_tag, hour_ms, tag, currency, tenant, api_key, class, route, backend, model, measures FROM rollup")
        var stored: [RollupKey: RollupMeasures] = [:]
        while let row = try rows.next() {
            let measures = try? RollupMeasures(text: Array((row[10] as String).utf8))
            stored[RollupKey(row: row).withTagName, default: RollupMeasures()] += measures ?? RollupMeasures()
        }
        guard stored != self.sums else { return }
        let wrong = Set(stored.keys).union(self.sums.keys).filter { stored[$0] != self.sums[$0] }.map(\.hour).min() ?? .distantPast
        self.chain.fail(self.hours[wrong]?.first ?? 0, "the sums of the hour from \(wrong) are not those of its entries")
    }

    private mutating func compareHours(in db: Database) throws {
        var stored: [Timestamp: (first: Int64, last: Int64, count: Int)] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT hour_ms, first_seq, last_seq, entries FROM ledger_hour") {
            stored[Timestamp(milliseconds: row[0])] = (row[1], row[2], row[3])
        }
        let all = Set(stored.keys).union(self.hours.keys)
        let wrong = all.filter { hour in
            guard let a = stored[hour], let b = self.hours[hour] else { return true }
            return a != b
        }.min()
        guard let wrong else { return }
        let last = self.chain.head?.seq ?? 0
        self.chain.fail(
            min(stored[wrong]?.last ?? last, last) + ((stored[wrong]?.last ?? 0) > last ? 1 : 0), "the hour from \(wrong) had other entries than it has")
    }

    private mutating func compareCheckpoints(in db: Database) throws {
        var stored: [Int64: Checkpoint] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT seq, hash, at_ms, entries, totals FROM checkpoint") {
            let hash = [UInt8](row[1] as Data)
            guard hash.count == 32, let totals = try? RollupMeasures(text: Array((row[4] as String).utf8)) else {
                return self.chain.fail(row[0], "its checkpoint cannot be read")
            }
            stored[row[0]] = Checkpoint(hash: ChainHash(bytes: hash), at: Timestamp(milliseconds: row[2]), entries: row[3], totals: totals)
        }
        let wrong = Set(stored.keys).union(self.checkpoints.keys).filter { stored[$0] != self.checkpoints[$0] }.min()
        if let wrong { self.chain.fail(wrong, stored[wrong] == nil ? "its checkpoint is missing" : "its checkpoint says something else") }
    }
}

extension RollupKey {
    /// From the columns of the primary key.
    init(row: Row) {
        self.init(
            byTag: row[0], hour: Timestamp(milliseconds: row[1]), tag: row[2], currency: row[3], tenant: row[4], key: row[5], trafficClass: row[6],
            route: row[7], backend: row[8], model: row[9])
    }

    /// With the name of its tag alone: which values have rows of their own depends on what came first, see ``Rollups/tagsPerHour``.
    fileprivate var withTagName: RollupKey {
        var key = self
        if key.byTag { key.tag = String(key.tag.prefix { $0 != "=" }) }
        return key
    }
}
