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
                        WHERE job.pub = \(id) AND (\(tenant) IS NULL OR job.tenant = \(tenant))
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
                                SELECT \(sql: JobRow.columns) FROM job JOIN lane ON lane.id = job.lane
                                WHERE job.tenant = \(tenant) AND job.state = \(state.rawValue) AND job.id < \(before)
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

    package func readyLanes() throws(StoreError) -> [LaneBacklog] {
        try self.reader.read { db in
            try Row.fetchAll(
                db.cachedStatement(
                    literal: """
                        SELECT lane.class, lane.sent_model, lane.endpoint, lane.rung, depth.jobs,
                          (SELECT min(bucket_ms) FROM job WHERE state = 1 AND lane = depth.lane)
                        FROM depth JOIN lane ON lane.id = depth.lane WHERE depth.state = \(JobState.ready.rawValue) AND depth.jobs > 0
                        """)
            ).compactMap { row in
                guard let endpoint = Endpoint(name: row[2] as String), let bucket: Int64 = row[5] else { return nil }
                return LaneBacklog(
                    lane: Job.Lane(trafficClass: row[0], sentModel: row[1], endpoint: endpoint, rung: row[3]), ready: row[4],
                    earliestBucket: Timestamp(milliseconds: bucket))
            }
        }
    }

    package func queueDepths() throws(StoreError) -> [QueueDepth] {
        try self.reader.read { db in
            try Row.fetchAll(
                db.cachedStatement(
                    literal: """
                        SELECT lane.class, depth.state, sum(depth.jobs), min(
                          (SELECT created_ms FROM job WHERE finished_ms IS NULL AND lane = depth.lane AND state = depth.state ORDER BY id LIMIT 1))
                        FROM depth JOIN lane ON lane.id = depth.lane WHERE depth.state < 4 AND depth.jobs > 0 GROUP BY lane.class, depth.state
                        """)
            ).compactMap { row in
                guard let state = JobState(rawValue: row[1]), let oldest: Int64 = row[3] else { return nil }
                return QueueDepth(trafficClass: row[0], state: state, jobs: row[2], oldest: Timestamp(milliseconds: oldest))
            }
        }
    }
}
