import GRDB
package import SluiceCore

extension SQLiteLedger {
    package func rollups(
        since: Timestamp?, until: Timestamp?, by dimensions: [RollupDimension]
    ) throws(StoreError) -> [(key: [String?], measures: RollupMeasures)] {
        try self.reader.read { db in
            var groups = RollupGroups(by: dimensions)
            let from = since.map(\.hourFrom) ?? .distantPast
            let to = until?.hour ?? .distantFuture
            if from <= to {
                try groups.addHours(from..<to, in: db)
                if let since, since < from { try groups.addEntries(since..<min(from, until ?? from), in: db) }
                if let until, to < until { try groups.addEntries(to..<until, in: db) }
            } else if let since, let until, since < until {
                try groups.addEntries(since..<until, in: db)
            }
            return groups.sums.map { ($0.key, $0.value) }
        }
    }
}

/// Sums by the dimensions of a report.
private struct RollupGroups {
    private let dimensions: [RollupDimension]
    private(set) var sums: [[String?]: RollupMeasures] = [:]

    init(by dimensions: [RollupDimension]) {
        self.dimensions = dimensions
    }

    /// Whether sums of this kind count here: each entry once, or once for each tag and once where it has none.
    private func counts(_ key: RollupKey) -> Bool {
        self.dimensions.contains(.tag) ? key.byTag || key.tag == RollupKey.untagged : !key.byTag
    }

    private mutating func add(_ measures: RollupMeasures, as key: RollupKey) {
        guard self.counts(key) else { return }
        self.sums[self.dimensions.map { key[$0] }, default: RollupMeasures()] += measures
    }

    mutating func addHours(_ hours: Range<Timestamp>, in db: Database) throws {
        let rows = try Row.fetchCursor(
            db.cachedStatement(
                literal: """
                    SELECT by_tag, hour_ms, tag, currency, tenant, api_key, class, route, backend, model, measures FROM rollup
                    WHERE by_tag IN (0, \(self.dimensions.contains(.tag) ? 1 : 0))
                      AND hour_ms >= \(hours.lowerBound.milliseconds) AND hour_ms < \(hours.upperBound.milliseconds)
                    """))
        while let row = try rows.next() {
            let key = RollupKey(row: row)
            guard self.counts(key) else { continue }
            self.add(try RollupMeasures(text: Array((row[10] as String).utf8)), as: key)
        }
    }

    /// For the part of an hour, of which there is no sum.
    mutating func addEntries(_ span: Range<Timestamp>, in db: Database) throws {
        guard let place = try LedgerSpan(since: span.lowerBound, until: span.upperBound, in: db) else { return }
        let rows = try Row.fetchCursor(
            db.cachedStatement(
                literal: """
                    SELECT seq, line FROM ledger WHERE seq >= \(place.first) AND seq <= \(place.last)
                      AND at_ms >= \(span.lowerBound.milliseconds) AND at_ms < \(span.upperBound.milliseconds)
                    """))
        var rollups = Rollups()
        while let row = try rows.next() { rollups.add(try LedgerRow(row: row).entry()) }
        for (key, measures) in rollups.measures { self.add(measures, as: key) }
    }
}

extension Timestamp {
    /// The start of the first whole hour from here on.
    fileprivate var hourFrom: Timestamp { self.hour == self ? self : self.hour + .seconds(3600) }
}
