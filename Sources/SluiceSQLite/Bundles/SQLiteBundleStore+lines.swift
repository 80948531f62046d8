import FoundationEssentials
import GRDB
package import SluiceCore

extension SQLiteBundleStore {
    package func lines(of bundle: Int64) throws(StoreError) -> [BundledLine] {
        try self.jobs.reader.read { db in
            let rows = try RawStatement(LineSQL.lines, in: db).all(.integer(bundle)) { row in
                (
                    job: row.long(0), lease: Lease(job: row.long(0), number: row.int(1), owner: row.long(2)), bound: row.longOrNil(3),
                    seq: row.long(4), line: row.array(5), isCurrent: row.bool(6)
                )
            }
            return try rows.map { row in
                let intent = AttemptIntent(entry: try LedgerEntry(stored: row.line, seq: row.seq), bound: row.bound.map(Money.init(pico:)))
                var leased: LeasedJob?
                if let found = try RawStatement(LineSQL.job, in: db).first(.integer(row.job), read: JobRow.init) {
                    let call = found.job.source == nil ? try? PackedCall.find(row.job, in: db)?.unpacked() : nil
                    leased = LeasedJob(lease: row.lease, job: found.job, call: call)
                }
                return BundledLine(job: row.job, leased: leased, intent: intent, isCurrent: row.isCurrent)
            }
        }
    }
}

private enum LineSQL {
    static let lines = """
        SELECT bundle_line.job, bundle_line.lease, bundle_line.owner, attempt.bound_pico, ledger.seq, ledger.line,
          ifnull((SELECT \(BundleRow.isCurrent) FROM job WHERE job.id = bundle_line.job), 0)
        FROM bundle_line JOIN attempt ON attempt.job = bundle_line.job AND attempt.n = bundle_line.attempt
          JOIN ledger ON ledger.request_id = attempt.request_id AND ledger.attempt = attempt.n AND ledger.part = 0
        WHERE bundle_line.bundle = ? ORDER BY bundle_line.job
        """
    static let job = "SELECT \(JobRow.columns) FROM \(JobRow.tables) WHERE job.id = ?"
}
