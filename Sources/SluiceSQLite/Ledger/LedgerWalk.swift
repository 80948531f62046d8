import GRDB
import SluiceCore

/// The way through the table of a ledger, and what it adds up to.
///
/// Whoever wrote the file may have written anything: no value is taken for what its column promises.
struct LedgerWalk {
    private static let pageSize = 2000

    var chain: ChainVerifier
    /// The highest row that was read, whatever its line says.
    private var last = Int64.min
    private var hours: [Timestamp: Span] = [:]
    private var sums: [RollupKey: RollupMeasures] = [:]
    private var tags: [Timestamp: Set<String>] = [:]
    /// Hours with more tags than have rows of their own: which values have one depends on what came first, so only names are compared.
    private var crowdedHours: Set<Timestamp> = []
    private var totals = RollupMeasures()
    private var hour: Timestamp?
    private var checkpoints: [Int64: Checkpoint] = [:]
    /// What stands for entries that were deleted.
    private var cut: LedgerCut?

    private struct Span: Equatable {
        var first: Int64
        var last: Int64
        var count: Int64
    }

    private struct Checkpoint: Equatable {
        var hash: ChainHash
        var at: Timestamp
        var entries: Int64
        var totals: RollupMeasures
    }

    init(wanted: ChainVerifier.Place?) {
        self.chain = ChainVerifier(wanted: wanted, from: .first, sha256: { $0.withUnsafeBytes(ChainTail.sha256) })
    }

    /// Begins behind what was deleted.
    mutating func begin(in db: Database, wanted: ChainVerifier.Place?) throws {
        guard let cut = try LedgerCut.current(in: db) else { return }
        self.cut = cut
        self.chain.begin(behind: cut.place)
        self.last = cut.place.seq
        self.totals = cut.totals
        self.hour = cut.at.hour - .seconds(3600)
        // Of what was deleted only checkpoints are left.
        guard let wanted, wanted.seq <= cut.place.seq else { return }
        let hash = try Row.fetchOne(db.cachedStatement(literal: "SELECT hash FROM checkpoint WHERE seq = \(wanted.seq)"))
        guard let bytes = hash?.value(0).bytes, bytes.count == 32 else {
            return self.chain.fail(wanted.seq, "it was deleted, and no checkpoint stands there")
        }
        self.chain.check(checkpoint: .init(seq: wanted.seq, hash: ChainHash(bytes: bytes)))
    }

    /// Reads on; whether there was anything.
    mutating func takePage(in db: Database) throws -> Bool {
        let page = try Row.fetchAll(
            db.cachedStatement(
                literal: """
                    SELECT \(sql: LedgerRow.columns), at_ms, request_id, attempt, part FROM ledger
                    WHERE seq > \(self.last) ORDER BY seq LIMIT \(LedgerWalk.pageSize)
                    """))
        let before = self.last
        for row in page { self.add(row) }
        guard page.isEmpty || self.last > before else {
            // In a file where a row's number was changed SQLite finds rows behind it that have smaller ones, each time anew.
            self.chain.fail(before, "what comes behind it has smaller numbers")
            return false
        }
        return !page.isEmpty
    }

    private mutating func add(_ row: Row) {
        var before = self.chain.head
        let seq = row[0] as Int64
        self.last = max(self.last, seq)
        guard var found = LedgerRow.found(in: row), let own = found.popLast() else { return self.chain.fail(seq, "it holds no line") }
        for intent in found {
            guard let parts = self.chain.check(intent.line) else { return }
            self.addUp(parts.entry, seq: intent.seq, before: before)
            before = self.chain.head
        }
        guard let parts = self.chain.check(own.line) else { return }
        let entry = parts.entry
        var columns = [entry.at.milliseconds.databaseValue]
        if row.value(4).isNull {
            columns += [
                entry.subject?.requestID.databaseValue ?? .null, entry.attempt?.databaseValue ?? .null, entry.kind.part?.databaseValue ?? .null,
            ]
        } else {
            columns += [.null, .null, .null]
        }
        if parts.seq != seq || columns != (0..<4).map({ row.value(LedgerRow.columnCount + $0) }) || row.value(2).bytes != parts.hash.bytes {
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
        let span = self.hours[hour] ?? Span(first: seq, last: seq, count: 0)
        self.hours[hour] = Span(first: span.first, last: seq, count: span.count + 1)
        self.totals.add(entry)
        var rollups = Rollups()
        rollups.add(entry)
        for (key, measures) in rollups.measures {
            self.note(key)
            self.sums[self.compared(key), default: RollupMeasures()] += measures
        }
    }

    /// Sees whether the hour of the key has too many tags by now (``Rollups/tagsPerHour``).
    private mutating func note(_ key: RollupKey) {
        guard key.byTag, !self.crowdedHours.contains(key.hour) else { return }
        self.tags[key.hour, default: []].insert(key.tag)
        guard self.tags[key.hour, default: []].count > Rollups.tagsPerHour else { return }
        self.crowdedHours.insert(key.hour)
        self.tags[key.hour] = nil
        for (whole, measures) in self.sums where whole.byTag && whole.hour == key.hour {
            self.sums[whole] = nil
            self.sums[whole.withTagName, default: RollupMeasures()] += measures
        }
    }

    private func compared(_ key: RollupKey) -> RollupKey { key.byTag && self.crowdedHours.contains(key.hour) ? key.withTagName : key }

    mutating func compareSums(in db: Database) throws {
        try self.compareHours(in: db)
        try self.compareCheckpoints(in: db)
        try self.compareRollups(in: db)
    }

    private mutating func compareRollups(in db: Database) throws {
        let rows = try Row.fetchCursor(
            db, sql: "SELECT by_tag, hour_ms, tag, currency, tenant, api_key, class, route, backend, model, measures FROM rollup")
        var stored: [RollupKey: RollupMeasures] = [:]
        while let row = try rows.next() {
            guard let key = RollupKey(row: row), let measures = row.value(10).utf8.flatMap({ try? RollupMeasures(text: $0) }) else {
                return self.chain.fail(self.chain.head?.seq ?? 0, "a row of the hourly sums cannot be read")
            }
            stored[self.compared(key), default: RollupMeasures()] += measures
        }
        let deleted = try RollupCut.current(in: db)
        let whole = max(self.cut?.at.hour ?? .distantPast, deleted.hour)
        try self.compare(stored, before: whole, deleted.totals)
        let keys = Set(stored.keys).union(self.sums.keys).filter { $0.hour >= whole }
        guard let wrong = keys.filter({ stored[$0] != self.sums[$0] }).map(\.hour).min() else { return }
        self.chain.fail(self.hours[wrong]?.first ?? 0, "the sums of the hour from \(wrong) are not those of its entries")
    }

    /// Of hours of which entries or sums were deleted only the total can be told: what was deleted and what is left must come to the same on both
    /// sides.
    private mutating func compare(_ stored: [RollupKey: RollupMeasures], before hour: Timestamp, _ deleted: RollupMeasures) throws {
        func total(_ sums: [RollupKey: RollupMeasures], _ rest: RollupMeasures) -> RollupMeasures {
            sums.filter { !$0.key.byTag && $0.key.hour < hour }.reduce(into: rest) { $0 += $1.value }
        }
        guard total(stored, deleted) != total(self.sums, self.cut?.totals ?? RollupMeasures()) else { return }
        self.chain.fail(self.cut?.place.seq ?? 0, "the sums of the hours before \(hour) are not those of the entries that were there")
    }

    private mutating func compareHours(in db: Database) throws {
        var stored: [Timestamp: Span] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT hour_ms, first_seq, last_seq, entries FROM ledger_hour") {
            guard let hour = row.value(0).int64, let first = row.value(1).int64, let last = row.value(2).int64, let count = row.value(3).int64 else {
                return self.chain.fail(self.chain.head?.seq ?? 0, "a row of the hours cannot be read")
            }
            stored[Timestamp(milliseconds: hour)] = Span(first: first, last: last, count: count)
        }
        guard let wrong = Set(stored.keys).union(self.hours.keys).filter({ stored[$0] != self.hours[$0] }).min() else { return }
        let last = self.chain.head?.seq ?? 0
        let claimed = stored[wrong]?.last ?? last
        self.chain.fail(claimed > last ? last + 1 : claimed, "the hour from \(wrong) had other entries than it has")
    }

    private mutating func compareCheckpoints(in db: Database) throws {
        var stored: [Int64: Checkpoint] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT seq, hash, at_ms, entries, totals FROM checkpoint") {
            guard let hash = row.value(1).bytes, hash.count == 32, let at = row.value(2).int64, let entries = row.value(3).int64,
                let totals = row.value(4).utf8.flatMap({ try? RollupMeasures(text: $0) })
            else {
                return self.chain.fail(row[0], "its checkpoint cannot be read")
            }
            stored[row[0]] = Checkpoint(hash: ChainHash(bytes: hash), at: Timestamp(milliseconds: at), entries: entries, totals: totals)
        }
        let first = self.cut?.place.seq ?? 0
        let wrong = Set(stored.keys).union(self.checkpoints.keys).filter { $0 >= first && stored[$0] != self.checkpoints[$0] }.min()
        if let wrong { self.chain.fail(wrong, stored[wrong] == nil ? "its checkpoint is missing" : "its checkpoint says something else") }
    }
}

extension RollupKey {
    /// From the columns of the primary key; nil where one holds what it cannot.
    fileprivate init?(row: Row) {
        let texts = (2..<10).compactMap { row.value($0).text }
        guard let byTag = row.value(0).int64, byTag == 0 || byTag == 1, let hour = row.value(1).int64, texts.count == 8 else { return nil }
        self.init(
            byTag: byTag == 1, hour: Timestamp(milliseconds: hour), tag: texts[0], currency: texts[1], tenant: texts[2], key: texts[3],
            trafficClass: texts[4], route: texts[5], backend: texts[6], model: texts[7])
    }

    fileprivate var withTagName: RollupKey {
        var key = self
        if key.byTag { key.tag = String(key.tag.prefix { $0 != "=" }) }
        return key
    }
}

extension Row {
    fileprivate func value(_ index: Int) -> DatabaseValue { self[index] }
}

extension DatabaseValue {
    /// What it is, never what it could be taken for.
    fileprivate var int64: Int64? { if case .int64(let value) = self.storage { value } else { nil } }
    fileprivate var text: String? { if case .string(let value) = self.storage { value } else { nil } }
    fileprivate var utf8: [UInt8]? { self.text.map { Array($0.utf8) } }
    fileprivate var bytes: [UInt8]? { if case .blob(let value) = self.storage { [UInt8](value) } else { nil } }
}
