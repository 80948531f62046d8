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
                        SELECT job_result.status, job_result.content_type, job_result.body FROM job_result JOIN job ON job.id = job_result.job
                        LEFT JOIN batch ON batch.id = job.batch
                        WHERE job.pub = \(id) AND (\(tenant) IS NULL OR job.tenant = \(tenant)) AND batch.erased_ms IS NULL
                        """))
            return row.map { JobResult(status: $0[0], contentType: $0[1], body: [UInt8]($0[2] as Data)) }
        }
    }

    package func jobs(tenant: String?, states: [JobState], limit: Int, after: String?) throws(StoreError) -> (page: [Job], hasMore: Bool)? {
        try self.reader.read { db in
            var before = Int64.max
            if let after {
                guard let row = try JobRow.find(after, tenant: tenant, in: db) else { return nil }
                before = row.id
            }
            // One walk of the index for each tenant and state, newest first; the newest of them all are the page.
            var rows: [JobRow] = []
            for tenant in try tenant.map({ [$0] }) ?? SQLiteJobStore.tenants(in: db) {
                for state in states.isEmpty ? JobState.allCases : states {
                    rows += try Row.fetchAll(
                        db.cachedStatement(
                            literal: """
                                SELECT \(sql: JobRow.columns) FROM \(sql: JobRow.tables)
                                WHERE job.tenant = \(tenant) AND job.state = \(state.rawValue) AND job.id < \(before) AND batch.erased_ms IS NULL
                                ORDER BY job.id DESC LIMIT \(limit + 1)
                                """)
                    ).map(JobRow.init)
                }
            }
            rows.sort { $0.id > $1.id }
            return (rows.prefix(limit).map(\.job), rows.count > limit)
        }
    }

    /// All tenants that have jobs, by jumping from one to the next in the index.
    private static func tenants(in db: Database) throws -> [String] {
        try String.fetchAll(
            db,
            sql: """
                WITH RECURSIVE tenants(name) AS (
                  SELECT min(tenant) FROM job
                  UNION ALL SELECT (SELECT min(tenant) FROM job WHERE tenant > name) FROM tenants WHERE name IS NOT NULL)
                SELECT name FROM tenants WHERE name IS NOT NULL
                """)
    }

    package func backlog() -> [LaneBacklog] { self.counts?.withTable { $0.backlog } ?? [] }

    package func queueDepths() throws(StoreError) -> [QueueDepth] {
        let counts = self.counts?.withTable { $0.depths }
        return try self.reader.read { db in
            try SQLiteJobStore.depths(counts ?? SQLiteJobStore.recount(in: db), in: db)
        }
    }

    /// Open jobs by class and state, for a reader that has no counts in memory.
    private static func recount(in db: Database) throws -> [String: [Int]] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT lane.class, open.state, sum(open.jobs)
                FROM (SELECT lane, state, count(*) AS jobs FROM job WHERE finished_ms IS NULL GROUP BY lane, state) AS open JOIN lane ON lane.id = open.lane
                GROUP BY lane.class, open.state
                """)
        var counts: [String: [Int]] = [:]
        for row in rows { counts[row[0], default: [0, 0, 0, 0]][row[1]] = row[2] }
        return counts
    }

    private static func depths(_ counts: [String: [Int]], in db: Database) throws -> [QueueDepth] {
        try counts.flatMap { trafficClass, jobs in
            try jobs.indices.compactMap { index -> QueueDepth? in
                guard jobs[index] > 0, let state = JobState(rawValue: index) else { return nil }
                let oldest = try Int64.fetchOne(
                    db.cachedStatement(
                        literal: """
                            SELECT min((SELECT created_ms FROM job WHERE finished_ms IS NULL AND lane = lane.id AND state = \(index) ORDER BY id LIMIT 1))
                            FROM lane WHERE class = \(trafficClass)
                            """))
                // The counts are of another instant than this snapshot, which may have the last of them gone.
                return oldest.map { QueueDepth(trafficClass: trafficClass, state: state, jobs: jobs[index], oldest: Timestamp(milliseconds: $0)) }
            }
        }
    }
}
