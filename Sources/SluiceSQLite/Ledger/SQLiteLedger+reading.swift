import GRDB
package import SluiceCore

extension SQLiteLedger {
    /// How many rows one read looks at: a longer one would keep the write-ahead log from being copied back.
    private static let rowsPerRead = 5000
    /// How far back a list of requests looks for those that a filter wants.
    private static let rowsPerList = 200_000

    package func lines(_ filter: LedgerFilter, after seq: Int64, limit: Int) throws(StoreError) -> [LedgerRow] {
        if let id = filter.requestID {
            var found: [LedgerRow] = []
            for row in try self.rows(ofRequest: id) where row.seq > seq && found.count < limit { if try filter.matches(row) { found.append(row) } }
            return found
        }
        guard let span = try self.reader.read({ db in try LedgerSpan(since: filter.since, until: filter.until, in: db) }) else { return [] }
        var found: [LedgerRow] = []
        var last = max(seq, span.first - 1)
        while found.count < limit, last < span.last {
            let page = try self.page(after: last, through: span.last, limit: filter.takesAll ? limit - found.count : SQLiteLedger.rowsPerRead)
            guard let end = page.last?.seq else { break }
            guard end > last else { throw SQLiteLedger.disorder(behind: last) }
            last = end
            for row in page where found.count < limit { if try filter.matches(row) { found.append(row) } }
        }
        return found
    }

    private func page(after seq: Int64, through last: Int64, limit: Int) throws(StoreError) -> [LedgerRow] {
        try self.reader.read { db in
            try Row.fetchAll(
                db.cachedStatement(
                    literal: """
                        SELECT \(sql: LedgerRow.columns) FROM ledger WHERE seq > \(seq) AND seq <= \(last)
                        ORDER BY seq LIMIT \(min(limit, SQLiteLedger.rowsPerRead))
                        """)
            ).flatMap(LedgerRow.rows(of:)).filter { $0.seq > seq }
        }
    }

    package func rows(ofRequest id: String) throws(StoreError) -> [LedgerRow] {
        try self.reader.read { db in
            try Row.fetchAll(
                db.cachedStatement(
                    literal: """
                        SELECT \(sql: LedgerRow.columns) FROM ledger
                        WHERE request_id = \(id) OR line = '' AND seq IN (SELECT seq - 1 FROM ledger WHERE request_id = \(id) AND part = 1)
                        ORDER BY seq
                        """)
            ).flatMap(LedgerRow.rows(of:))
        }
    }

    package func newestRequests(limit: Int, after: String?, filter: LedgerFilter) throws(StoreError) -> [[LedgerRow]] {
        var requests: [[LedgerRow]] = []
        var last = try self.reader.read { db in
            guard let after else { return try ChainTail(db).place.seq + 1 }
            return try Int64.fetchOne(db.cachedStatement(literal: "SELECT max(seq) FROM ledger WHERE request_id = \(after)")) ?? 0
        }
        let end = last - Int64(SQLiteLedger.rowsPerList)
        while requests.count < limit, last > 1, last > end {
            let newest = try self.newest(before: last)
            guard let lowest = newest.last?.seq else { break }
            guard lowest < last else { throw SQLiteLedger.disorder(behind: lowest) }
            for request in newest where requests.count < limit {
                let rows = try self.rows(ofRequest: request.id)
                // Listed where its last row is.
                guard rows.last?.seq == request.seq, try filter.matchesAny(rows) else { continue }
                requests.append(rows)
            }
            last = lowest
        }
        return requests
    }

    /// In a file that was tampered with SQLite may find the same rows again and again.
    private static func disorder(behind seq: Int64) -> StoreError {
        StoreError(.ioFailure, "the ledger's rows are out of order behind entry \(seq); `sluice audit verify` says more", tellsDamage: true)
    }

    private func newest(before seq: Int64) throws(StoreError) -> [(seq: Int64, id: String)] {
        try self.reader.read { db in
            try Row.fetchAll(
                db.cachedStatement(
                    literal: "SELECT seq, request_id FROM ledger WHERE seq < \(seq) AND request_id IS NOT NULL ORDER BY seq DESC LIMIT 500")
            ).map { ($0[0], $0[1]) }
        }
    }
}

/// Where in the chain the entries of a time lie, as closely as hours tell.
struct LedgerSpan {
    var first: Int64
    var last: Int64

    /// nil where there are none.
    init?(since: Timestamp?, until: Timestamp?, in db: Database) throws {
        let row = try Row.fetchOne(
            db.cachedStatement(
                literal: """
                    SELECT min(first_seq), max(last_seq) FROM ledger_hour
                    WHERE hour_ms >= \(since?.hour.milliseconds ?? Int64.min) AND hour_ms < \(until?.milliseconds ?? Int64.max)
                    """))
        guard let first: Int64 = row?[0], let last: Int64 = row?[1] else { return nil }
        self.first = first
        self.last = last
    }
}

extension LedgerFilter {
    var takesAll: Bool {
        self.since == nil && self.until == nil && self.tenant == nil && self.trafficClass == nil && self.backend == nil && self.outcome == nil
    }

    func matches(_ row: LedgerRow) throws(StoreError) -> Bool {
        self.takesAll ? true : self.matches(try row.entry())
    }

    /// Whether one of the ends of a request fits.
    func matchesAny(_ rows: [LedgerRow]) throws(StoreError) -> Bool {
        for row in rows { if try self.matches(row) { return true } }
        return false
    }

    private func matches(_ entry: LedgerEntry) -> Bool {
        (self.since.map { entry.at >= $0 } ?? true)
            && (self.until.map { entry.at < $0 } ?? true)
            && (self.tenant.map { entry.subject?.tenant == $0 } ?? true)
            && (self.trafficClass.map { entry.subject?.trafficClass == $0 } ?? true)
            && (self.backend.map { entry.target?.backend == $0 } ?? true)
            && (self.outcome.map { entry.settlement?.outcome.rawValue == $0 } ?? true)
    }
}
