import GRDB
package import SluiceCore

extension SQLiteLedger {
    package func rollups(
        since: Timestamp?, until: Timestamp?, by dimensions: [RollupDimension]
    ) throws(StoreError) -> [(key: [String?], measures: RollupMeasures)] {
        try self.reader.read { db in
            var groups = RollupGroups(by: dimensions)
            // Where the entries of an hour were deleted, there is only the whole of it.
            let kept = try LedgerCut.current(in: db)?.at.hour ?? .distantPast
            let since = since.map { $0 < kept ? $0.hour : $0 }
            let until = until.map { $0 < kept ? $0.hourFrom : $0 }
            let from = since.map(\.hourFrom) ?? .distantPast
            let to = until?.hour ?? .distantFuture
            if from <= to {
                try groups.addHours(from..<to, in: db)
                if let since, since < from { try groups.addEntries(since..<min(from, until ?? from), in: db) }
                if let until, to < until { try groups.addEntries(to..<until, in: db) }
            } else if let since, let until, since < until {
                try groups.addEntries(since..<until, in: db)
            }
            return groups.sums
        }
    }
}

/// Sums by the dimensions of a report.
///
/// A year of a busy router has hundreds of thousands of stored sums. They are read as bytes: only what the report groups by becomes a key, and
/// only the first row of a group a name.
private struct RollupGroups {
    private let dimensions: [RollupDimension]
    private var places: [[UInt8]: Int] = [:]
    private var groups: [(key: [String?], measures: RollupMeasures)] = []
    /// The names of the hour that was read last.
    private var hour: (milliseconds: Int64, names: [RollupDimension: [UInt8]])?

    init(by dimensions: [RollupDimension]) {
        self.dimensions = dimensions
    }

    var sums: [(key: [String?], measures: RollupMeasures)] { self.groups }

    private var isByTag: Bool { self.dimensions.contains(.tag) }

    mutating func addHours(_ hours: Range<Timestamp>, in db: Database) throws {
        let statement = try RawStatement(
            """
            SELECT by_tag, hour_ms, tag, currency, tenant, api_key, class, route, backend, model, measures FROM rollup
            WHERE by_tag = ? AND hour_ms >= ? AND hour_ms < ?
            """, in: db)
        // Each entry counts once; in a report by tag once for each tag, and once where it has none.
        for byTag in self.isByTag ? [false, true] : [false] {
            let isOnlyUntagged = self.isByTag && !byTag
            try statement.each(.integer(byTag), .integer(hours.lowerBound.milliseconds), .integer(hours.upperBound.milliseconds)) { row in
                if isOnlyUntagged, !row.bytes(2).isEmpty { return }
                let place = try self.place(of: row, isByTag: byTag)
                try self.groups[place].measures.add(text: row.bytes(10).bindMemory(to: UInt8.self))
            }
        }
    }

    private mutating func place(of row: RawRow, isByTag: Bool) throws -> Int {
        var key: [UInt8] = []
        key.reserveCapacity(64)
        for dimension in self.dimensions {
            if let column = dimension.column(isByTag: isByTag) {
                key.append(name: row.bytes(column))
            } else {
                key.append(name: dimension.isTime ? self.name(of: row.long(1), as: dimension) : [])
            }
        }
        if let known = self.places[key] { return known }
        var names = RollupKey(row)
        names.byTag = isByTag
        self.places[key] = self.groups.count
        self.groups.append((self.dimensions.map { names[$0] }, RollupMeasures()))
        return self.groups.count - 1
    }

    /// Rows come hour by hour.
    private mutating func name(of milliseconds: Int64, as dimension: RollupDimension) -> [UInt8] {
        if self.hour?.milliseconds != milliseconds { self.hour = (milliseconds, [:]) }
        if let known = self.hour?.names[dimension] { return known }
        let text = Timestamp(milliseconds: milliseconds).description.utf8
        let name = Array(dimension == .hour ? text.prefix(text.count) : text.prefix(dimension == .day ? 10 : 7))
        self.hour?.names[dimension] = name
        return name
    }

    private mutating func add(_ measures: RollupMeasures, as key: RollupKey) {
        guard self.isByTag ? key.byTag || key.tag == RollupKey.untagged : !key.byTag else { return }
        let names = self.dimensions.map { key[$0] }
        let bytes = names.reduce(into: [UInt8]()) { $0.append(name: Array(($1 ?? "").utf8)) }
        let place = self.places[bytes] ?? self.groups.count
        if place == self.groups.count {
            self.places[bytes] = place
            self.groups.append((names, RollupMeasures()))
        }
        self.groups[place].measures += measures
    }

    /// For the part of an hour, of which there is no sum.
    mutating func addEntries(_ span: Range<Timestamp>, in db: Database) throws {
        guard let place = try LedgerSpan(since: span.lowerBound, until: span.upperBound, in: db) else { return }
        let rows = try Row.fetchCursor(
            db.cachedStatement(
                literal: """
                    SELECT \(sql: LedgerRow.columns) FROM ledger WHERE seq >= \(place.first) AND seq <= \(place.last)
                      AND at_ms >= \(span.lowerBound.milliseconds) AND at_ms < \(span.upperBound.milliseconds)
                    """))
        var rollups = Rollups()
        while let row = try rows.next() { for entry in try LedgerRow.rows(of: row) { rollups.add(try entry.entry()) } }
        for (key, measures) in rollups.measures { self.add(measures, as: key) }
    }
}

extension Timestamp {
    /// The start of the first whole hour from here on.
    fileprivate var hourFrom: Timestamp { self.hour == self ? self : self.hour + .seconds(3600) }
}

extension RollupDimension {
    /// The column that holds it; nil for times, and for a tag where there is none.
    fileprivate func column(isByTag: Bool) -> Int32? {
        switch self {
        case .tag: isByTag ? 2 : nil
        case .currency: 3
        case .tenant: 4
        case .key: 5
        case .trafficClass: 6
        case .route: 7
        case .backend: 8
        case .model: 9
        case .hour, .day, .month: nil
        }
    }
}

extension RollupKey {
    fileprivate init(_ row: RawRow) {
        self.init(
            byTag: row.bool(0), hour: Timestamp(milliseconds: row.long(1)), tag: row.text(2), currency: row.text(3), tenant: row.text(4), key: row.text(5),
            trafficClass: row.text(6), route: row.text(7), backend: row.text(8), model: row.text(9))
    }
}

extension [UInt8] {
    /// With its length behind it, so that several of them cannot be taken for others.
    fileprivate mutating func append(name: some Collection<UInt8>) {
        self.append(contentsOf: name)
        Swift.withUnsafeBytes(of: UInt32(truncatingIfNeeded: name.count)) { self.append(contentsOf: $0) }
    }
}
