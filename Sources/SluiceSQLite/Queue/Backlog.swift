import GRDB
import SluiceCore
import Synchronization

/// The counts of what waits, in memory: grouping over a million waiting rows would be a walk over all of them.
///
/// Only the writer changes it, step by step with its transaction, and takes back what a transaction takes back; anybody may look.
final class Backlog: Sendable {
    private let table: Mutex<LaneTable>

    /// Counts once what the database has.
    init(_ db: Database) throws {
        var table = LaneTable()
        let halted = try Int64.fetchAll(
            db.cachedStatement(literal: "SELECT id FROM batch WHERE status < 3 AND (is_paused = 1 OR status = \(BatchStatus.cancelling.rawValue))"))
        for batch in halted { table.halt(batch, true) }
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT lane.id, lane.tenant, lane.class, lane.sent_model, lane.endpoint, lane.rung, lane.batch, open.state, open.bucket_ms, open.jobs,
                  open.tokens
                FROM (
                  SELECT lane, 1 AS state, bucket_ms, count(*) AS jobs, sum(estimated_tokens) AS tokens FROM job WHERE state = 1 GROUP BY lane, bucket_ms
                  UNION ALL
                  SELECT lane, 0, bucket_ms, count(*), sum(estimated_tokens) FROM job WHERE state = 0 GROUP BY lane, bucket_ms
                  UNION ALL
                  SELECT lane, state, bucket_ms, 1, estimated_tokens FROM job WHERE state IN (2, 3)
                ) AS open JOIN lane ON lane.id = open.lane ORDER BY lane.id
                """)
        while let row = try rows.next() {
            guard let endpoint = Endpoint(name: row[4] as String), let state = JobState(rawValue: row[7]) else {
                throw StoreError(.incompatible, "a lane has an endpoint or a state that this Sluice does not know")
            }
            let lane = Job.Lane(tenant: row[1], trafficClass: row[2], sentModel: row[3], endpoint: endpoint, rung: row[5])
            let key = LaneTable.Key(lane: lane, batch: row[6])
            if table.number(of: key) == nil { table.add(row[0], key) }
            table.apply(LaneTable.Move(lane: row[0], bucket: row[8], tokens: row[10], from: nil, to: state, jobs: row[9]))
        }
        self.table = Mutex(table)
    }

    func withTable<T: Sendable>(_ body: (inout sending LaneTable) -> sending T) -> T { self.table.withLock { body(&$0) } }
}

/// What a transaction did to the backlog, to be taken back with it.
enum BacklogChange: Sendable {
    case moved(LaneTable.Move)
    case addedLane(Int64)
    case halted(Int64, Bool)
}
