import FoundationEssentials
import GRDB
package import SluiceCore

extension SQLiteJobStore {
    package func job(_ id: String, tenant: String?) throws(StoreError) -> Job? {
        try self.reader.read { db in try JobRow.find(id, tenant: tenant, in: db)?.job }
    }

    package func result(of id: String, tenant: String?) throws(StoreError) -> JobResult? {
        try self.reader.read { db in
            let row = try Row.fetchOne(
                db.cachedStatement(
                    literal: """
                        SELECT job_result.status, job_result.content_type, job_result.body, job_result.lines
                        FROM job_result JOIN job ON job.id = job_result.job
                        LEFT JOIN batch ON batch.id = job.batch
                        WHERE job.pub = \(id) AND (\(tenant) IS NULL OR job.tenant = \(tenant)) AND batch.erased_ms IS NULL
                        """))
            return row.map { row in
                var result = JobResult(status: row[0], contentType: row[1], body: [UInt8](row[2] as Data))
                result.lines = Array((row[3] as String? ?? "").utf8)
                return result
            }
        }
    }

    package func call(of id: String, tenant: String?) throws(StoreError) -> StoredCall? {
        let packed = try self.reader.read { db in
            try JobRow.find(id, tenant: tenant, in: db).flatMap { try PackedCall.find($0.id, in: db) }
        }
        do throws(LedgerLineError) {
            return try packed?.unpacked()
        } catch {
            throw StoreError(.other, "the stored request cannot be read: \(error)")
        }
    }

    package func jobs(tenant: String?, states: [JobState], limit: Int, after: String?) throws(StoreError) -> (page: [Job], hasMore: Bool)? {
        try self.reader.read { db in
            var before = Int64.max
            if let after {
                guard let row = try JobRow.find(after, tenant: tenant, in: db) else { return nil }
                before = row.id
            }
            // One walk of an index for each tenant and state, or all open states; the newest of them all are the page.
            let wanted = states.isEmpty ? JobState.allCases : states
            var rows: [JobRow] = []
            for tenant in try tenant.map({ [$0] }) ?? SQLiteJobStore.tenants(in: db) {
                for part in JobList.parts(of: wanted) {
                    rows += try RawStatement(part, in: db).all(.text(tenant), .integer(before), .integer(limit + 1), read: JobRow.init)
                }
            }
            rows.sort { $0.id > $1.id }
            return (rows.prefix(limit).map(\.job), rows.count > limit)
        }
    }

    /// All tenants that ever had jobs, by jumping from one to the next in the index.
    private static func tenants(in db: Database) throws -> [String] {
        try String.fetchAll(
            db,
            sql: """
                WITH RECURSIVE tenants(name) AS (
                  SELECT min(tenant) FROM lane
                  UNION ALL SELECT (SELECT min(tenant) FROM lane WHERE tenant > name) FROM tenants WHERE name IS NOT NULL)
                SELECT name FROM tenants WHERE name IS NOT NULL
                """)
    }

    package func backlog() -> [LaneBacklog] { self.counts?.withTable { $0.backlog } ?? [] }

    package func queueDepths() throws(StoreError) -> [QueueDepth] {
        let counted = self.counts?.withTable { $0.depths }
        return try self.reader.read { db in
            let running = try SQLiteJobStore.oldestRunning(in: db)
            return try (counted ?? LaneTable(db).depths).flatMap { trafficClass, states in
                states.compactMap { state, depth -> QueueDepth? in
                    // The counts are of another instant than this snapshot, which may have the last one gone.
                    guard let oldest = depth.oldest ?? running[trafficClass]?[state.rawValue] else { return nil }
                    return QueueDepth(trafficClass: trafficClass, state: state, jobs: depth.jobs, oldest: oldest)
                }
            }
        }
    }

    private static func oldestRunning(in db: Database) throws -> [String: [Int: Timestamp]] {
        var oldest: [String: [Int: Timestamp]] = [:]
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT lane.class, job.state, min(job.created_ms) FROM job JOIN lane ON lane.id = job.lane WHERE job.state IN (2, 3)
                GROUP BY lane.class, job.state
                """)
        for row in rows { oldest[row[0], default: [:]][row[1]] = Timestamp(milliseconds: row[2]) }
        return oldest
    }
}

/// The walks that a list of jobs is made of.
private enum JobList {
    /// For a tenant, a number to stay below, and a limit.
    static func parts(of states: [JobState]) -> [String] {
        let open = states.filter { !$0.isTerminal }
        var parts = states.filter(\.isTerminal).map { self.walk("job.finished_ms IS NOT NULL AND job.tenant = ? AND job.state = \($0.rawValue)") }
        guard !open.isEmpty else { return parts }
        if open.allSatisfy({ $0 == .leased || $0 == .bundled }) {
            // Few run, whatever waits.
            parts.append(self.walk("job.state IN (2, 3) AND +job.tenant = ? AND job.state IN (\(self.numbers(open)))"))
        } else {
            parts.append(self.walk("job.finished_ms IS NULL AND job.tenant = ? AND +job.state IN (\(self.numbers(open)))"))
        }
        return parts
    }

    private static func numbers(_ states: [JobState]) -> String { states.map { String($0.rawValue) }.joined(separator: ", ") }

    private static func walk(_ condition: String) -> String {
        """
        SELECT \(JobRow.columns) FROM \(JobRow.tables) WHERE \(condition) AND job.id < ? AND batch.erased_ms IS NULL
        ORDER BY job.id DESC LIMIT ?
        """
    }
}
