import FoundationEssentials
import GRDB
import SluiceCore

/// Adds what a group of entries holds to the hourly sums, in the group's own transaction.
///
/// The rows of the last hours are kept in memory, so that adding to one is one statement; after a failed transaction the writer begins anew
/// with what the database has.
struct RollupWriter: Sendable {
    /// How many rows are kept before those of past hours are dropped.
    private static let keptRows = 4096

    private var rows: [RollupKey: RollupMeasures] = [:]
    private var group = Rollups()
    /// Over the whole chain, for the checkpoints.
    private var totals = RollupMeasures()
    /// The latest hour that an entry was of.
    private var hour: Timestamp?

    init(_ db: Database) throws {
        self.hour = try Int64.fetchOne(db, sql: "SELECT max(hour_ms) FROM ledger_hour").map(Timestamp.init(milliseconds:))
        self.totals = try RollupCut.current(in: db).totals
        let rows = try Row.fetchCursor(db, sql: "SELECT measures FROM rollup WHERE by_tag = 0")
        while let row = try rows.next() { self.totals += try RollupMeasures(text: [UInt8]((row[0] as String).utf8)) }
    }

    mutating func write(_ appended: [ChainTail.Appended], to db: Database) throws {
        for part in appended {
            if let begin = part.pack.begin {
                if let latest = self.hour, begin.hour > latest { try self.checkpoint(part.before, at: begin, in: db) }
                self.hour = max(begin.hour, self.hour ?? begin.hour)
            }
            for (key, sum) in part.pack.sums.measures where !key.byTag { self.totals += sum }
            self.group.add(part.pack.sums)
        }
        try self.writeHours(appended, to: db)
        try self.writeRows(to: db)
    }

    /// Sums were deleted: those that are kept are read again when they are needed.
    mutating func dropRows() {
        self.rows.removeAll()
    }

    private func checkpoint(_ place: ChainTail.Place, at now: Timestamp, in db: Database) throws {
        try db.cachedStatement(
            literal: """
                INSERT INTO checkpoint(seq, hash, at_ms, entries, totals) VALUES (
                  \(place.seq), \(Data(place.hash.bytes)), \(now.milliseconds), \(place.seq), \(String(decoding: self.totals.text, as: UTF8.self)))
                """
        ).execute()
    }

    private func writeHours(_ appended: [ChainTail.Appended], to db: Database) throws {
        var hours: [(hour: Timestamp, first: Int64, last: Int64, count: Int)] = []
        for part in appended {
            let first = part.before.seq + 1
            for span in part.pack.hours {
                if let index = hours.lastIndex(where: { $0.hour == span.hour }) {
                    hours[index].last = first + Int64(span.last)
                    hours[index].count += span.count
                } else {
                    hours.append((span.hour, first + Int64(span.first), first + Int64(span.last), span.count))
                }
            }
        }
        for span in hours {
            try db.cachedStatement(
                literal: """
                    INSERT INTO ledger_hour(hour_ms, first_seq, last_seq, entries)
                    VALUES (\(span.hour.milliseconds), \(span.first), \(span.last), \(span.count))
                    ON CONFLICT DO UPDATE SET last_seq = excluded.last_seq, entries = entries + excluded.entries
                    """
            ).execute()
        }
    }

    private mutating func writeRows(to db: Database) throws {
        for (key, added) in self.group.measures {
            var sum = try self.rows[key] ?? RollupWriter.stored(key, in: db)
            sum += added
            try RollupWriter.store(sum, as: key, in: db)
            self.rows[key] = sum
        }
        self.group.removeAll()
        if self.rows.count > RollupWriter.keptRows, let hour { self.rows = self.rows.filter { $0.key.hour == hour } }
    }

    private static func stored(_ key: RollupKey, in db: Database) throws -> RollupMeasures {
        let statement = try db.cachedStatement(
            sql: """
                SELECT measures FROM rollup
                WHERE by_tag = ? AND hour_ms = ? AND tag = ? AND currency = ? AND tenant = ? AND api_key = ? AND class = ? AND route = ?
                  AND backend = ? AND model = ?
                """)
        guard let text = try String.fetchOne(statement, arguments: key.arguments) else { return RollupMeasures() }
        return try RollupMeasures(text: Array(text.utf8))
    }

    private static func store(_ measures: RollupMeasures, as key: RollupKey, in db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO rollup(by_tag, hour_ms, tag, currency, tenant, api_key, class, route, backend, model, measures)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: key.arguments + [String(decoding: measures.text, as: UTF8.self)])
    }
}

extension RollupKey {
    /// In the order of the primary key.
    fileprivate var arguments: StatementArguments {
        [
            self.byTag, self.hour.milliseconds, self.tag, self.currency, self.tenant, self.key, self.trafficClass, self.route, self.backend, self.model,
        ]
    }
}
