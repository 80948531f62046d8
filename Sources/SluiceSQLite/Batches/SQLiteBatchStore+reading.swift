import FoundationEssentials
import GRDB
package import SluiceCore

extension SQLiteBatchStore {
    package func batch(_ id: String, tenant: String?) throws(StoreError) -> Batch? {
        try self.reader.read { db in try BatchRow.find(id, tenant: tenant, in: db) }
    }

    package func batch(ofFile id: String, tenant: String?) throws(StoreError) -> (batch: Batch, side: BatchSide)? {
        try self.reader.read { db in
            let row = try Row.fetchOne(
                db.cachedStatement(
                    literal: """
                        SELECT \(sql: BatchRow.columns), batch.output_file = \(id) AS is_output FROM batch
                        WHERE (output_file = \(id) OR error_file = \(id)) AND (\(tenant) IS NULL OR tenant = \(tenant)) AND erased_ms IS NULL
                        """))
            return try row.map { (try BatchRow.read($0, in: db), $0["is_output"] as Bool ? .output : .errors) }
        }
    }

    package func batches(_ wire: Batch.Wire, tenant: String?, page: PageRequest) throws(StoreError) -> Page<Batch>? {
        try self.reader.read { db in
            let place = try PagePlace(page) { id in
                try Int64.fetchOne(
                    db.cachedStatement(
                        literal: """
                            SELECT id FROM batch
                            WHERE pub = \(id) AND wire = \(wire.rawValue) AND (\(tenant) IS NULL OR tenant = \(tenant)) AND erased_ms IS NULL
                            """))
            }
            guard let place else { return nil }
            // With the tenant the index has the order, without one the table itself.
            let which: SQL = tenant.map { "tenant = \($0) AND wire = \(wire.rawValue)" } ?? "+wire = \(wire.rawValue)"
            let rows = try Row.fetchAll(
                db.cachedStatement(
                    literal: "SELECT \(sql: BatchRow.columns) FROM batch WHERE \(which) AND erased_ms IS NULL AND \(place.condition) \(place.order)"))
            return try place.page(of: rows) { try BatchRow.read($0, in: db) }
        }
    }

    package func unfinishedIntakes() throws(StoreError) -> [(batch: Batch, lastLine: Int)] {
        try self.reader.read { db in
            let rows = try Row.fetchAll(
                db.cachedStatement(
                    literal: """
                        SELECT \(sql: BatchRow.columns), (SELECT max(line) FROM job WHERE job.batch = batch.id) AS last_line FROM batch
                        WHERE status < 3 AND (status = \(BatchStatus.validating.rawValue) OR stored < total) ORDER BY id
                        """))
            return try rows.map { (try BatchRow.read($0, in: db), $0["last_line"] as Int? ?? 0) }
        }
    }

    package func results(of id: String, _ side: BatchSide, after: Int64, limit: Int) throws(StoreError) -> [BatchResult] {
        try self.reader.read { db in
            var results: [BatchResult] = []
            for side in side.numbers {
                results += try Row.fetchAll(
                    db.cachedStatement(
                        literal: """
                            SELECT batch_result.seq, job.pub, job.request_id, job.custom_id, job.state, job.last_error, \(sql: JobResultRow.columns)
                            FROM batch_result JOIN job ON job.id = batch_result.job LEFT JOIN job_result ON job_result.job = job.id
                            WHERE batch_result.batch = (
                              SELECT id FROM batch WHERE pub = \(id) AND erased_ms IS NULL AND iif(\(side) = 0, is_output_deleted, is_error_deleted) = 0)
                              AND batch_result.side = \(side) AND batch_result.seq > \(after)
                            ORDER BY batch_result.seq LIMIT \(limit)
                            """)
                ).map(BatchResult.init(row:))
            }
            if side == .all { results.sort { $0.sequence < $1.sequence } }
            return Array(results.prefix(limit))
        }
    }
}

extension BatchSide {
    /// As the column `side` has it.
    var numbers: [Int] {
        switch self {
        case .output: [0]
        case .errors: [1]
        case .all: [0, 1]
        }
    }
}

extension BatchResult {
    fileprivate init(row: Row) throws {
        guard let state = JobState(rawValue: row[4]) else { throw StoreError(.incompatible, "a line has a state that this Sluice does not know") }
        self.init(
            sequence: row[0], jobID: row[1], requestID: row[2], customID: row[3] ?? "", state: state, result: JobResultRow.read(row, from: 6), lastError: row[5]
        )
    }
}
