import Dispatch
import GRDB
package import SluiceCore

/// What workers do: this runs for every job.
extension SQLiteJobStore {
    package func lease(_ lane: Job.Lane, limit: Int, at now: Timestamp, then: @escaping Completion<[LeasedJob]>) {
        let epoch = self.epoch
        let unpacking = self.unpacking
        self.submit(
            { transaction in
                var leased: [PackedLease] = []
                for share in transaction.backlog.withTable({ $0.shares(of: lane, for: limit) }) {
                    leased += try transaction.lease(limit - leased.count, of: share, to: epoch)
                }
                return leased
            },
            // To read the requests takes as long as to lease the jobs: not on the writer's thread.
            then: { result in unpacking.async { then(result.map { $0.map(\.unpacked) }) } })
    }

    package func begin(_ intent: AttemptIntent, under lease: Lease, then: @escaping Completion<Void>) {
        let sealed = SealedEntry(intent.entry)
        guard let requestID = sealed.entry.subject?.requestID, let attempt = sealed.entry.attempt, sealed.entry.kind == .intent else {
            return then(.failure(StoreError(.other, "what is begun is the intent of an attempt of a request")))
        }
        self.submit(
            { transaction in
                let db = transaction.db
                let count = try RawStatement(LeaseSQL.begin, in: db).run(.integer(lease.job), .integer(lease.number), .integer(lease.owner))
                guard count == 1 else { throw Unchanged(StoreError(.other, "the lease of the job has ended")) }
                try RawStatement(LeaseSQL.attempt, in: db).run(
                    .integer(lease.job), .integer(attempt), .text(requestID), .integer(intent.bound?.pico), .integer(sealed.entry.at.milliseconds))
                try transaction.chain.appendSoon(sealed, to: db)
            }, then: then)
    }

    package func complete(
        _ lease: Lease, as state: JobState, result: JobResult?, ends: [LedgerEntry], verification: VerificationOrder?, at now: Timestamp,
        then: @escaping Completion<Bool>
    ) {
        guard let sql = LeaseSQL.completion(as: state) else {
            return then(.failure(StoreError(.other, "a job does not end as \(state.name)")))
        }
        let sealed = ends.map { SealedEntry($0) }
        self.submit(
            { transaction in
                let job = try RawStatement(LeaseSQL.leased, in: transaction.db)
                    .first(.integer(lease.job), .integer(lease.number), .integer(lease.owner)) { try EndedJob($0, as: state) }
                if job != nil {
                    let count = try RawStatement(sql, in: transaction.db).run(
                        .integer(now.milliseconds), .integer(result?.status), .integer(result != nil), .integer(lease.job), .integer(lease.number),
                        .integer(lease.owner))
                    guard count == 1 else { preconditionFailure("a lease that was just read as current is not") }
                }
                let booking = try transaction.close(sealed, of: lease, isCurrent: job != nil)
                if let job {
                    try transaction.end(job, result: result, attempts: booking, at: now)
                    if state == .done, let verification { try transaction.add(verification) }
                } else {
                    try transaction.book(booking, toBatchOf: lease.job, at: now)
                }
                return job != nil
            }, then: then)
    }

    package func putBack(
        _ lease: Lease, notBefore: Timestamp, error: String, ends: [LedgerEntry], at now: Timestamp, then: @escaping Completion<Bool>
    ) {
        let sealed = ends.map { SealedEntry($0) }
        let event = notBefore > now ? JobState.Event.putBackToWait : .putBack
        let sql = notBefore > now ? LeaseSQL.putBackToWait : LeaseSQL.putBack
        let tries = Job.Tries().adding(ends)
        self.submit(
            { transaction in
                let move = try RawStatement(LeaseSQL.moving, in: transaction.db)
                    .first(.integer(lease.job), .integer(lease.number), .integer(lease.owner)) {
                        LaneTable.Move($0, from: .leased, to: JobState.target(of: event))
                    }
                if let move {
                    let count = try RawStatement(sql, in: transaction.db).run(
                        .integer(notBefore.milliseconds), .text(error), .integer(tries.failures), .integer(tries.doubts), .integer(lease.job),
                        .integer(lease.number), .integer(lease.owner))
                    guard count == 1 else { preconditionFailure("a lease that was just read as current is not") }
                    transaction.move(move)
                }
                let booking = try transaction.close(sealed, of: lease, isCurrent: move != nil)
                try transaction.book(booking, toBatchOf: lease.job, at: now)
                return move != nil
            }, then: then)
    }
}

enum LeaseSQL {
    static let candidates = """
        SELECT \(JobRow.columns) FROM \(JobRow.tables)
        WHERE job.state = 1 AND \(JobState.allows(.leasedByWorker)) AND job.lane = ? AND job.bucket_ms = ? AND job.prefix BETWEEN ? AND ?
        ORDER BY job.prefix, job.id LIMIT ?
        """
    static let lease = """
        UPDATE job SET state = \(JobState.target(of: .leasedByWorker).rawValue), lease = lease + 1, owner = ?
        WHERE id = ? AND \(JobState.allows(.leasedByWorker))
        """
    // Read and then written: with `RETURNING`, SQLite takes three times as long as for both.
    static let leased = "SELECT \(EndedJob.columns) FROM job WHERE \(LeaseSQL.isCurrent)"
    static let moving = "SELECT \(LaneTable.Move.columns) FROM job WHERE \(LeaseSQL.isCurrent)"
    static let cost = """
        SELECT max_cost_pico, spent_pico,
          (SELECT ifnull(sum(estimated_cost_pico), 0) FROM job WHERE state IN (2, 3) AND job.batch = ?)
        FROM batch WHERE id = ?
        """
    static let begin = "UPDATE job SET attempts = attempts + 1 WHERE \(LeaseSQL.isCurrent)"
    static let attempt = "INSERT INTO attempt(job, n, request_id, bound_pico, started_ms) VALUES (?, ?, ?, ?, ?)"
    static let attemptEnd = "DELETE FROM attempt WHERE job = ? AND n = ?"
    static let putBack = LeaseSQL.putBack(by: .putBack)
    static let putBackToWait = LeaseSQL.putBack(by: .putBackToWait)

    /// All of the lease is compared, so that a worker that was given up changes nothing.
    private static let isCurrent = "job.id = ? AND job.state IN (2, 3) AND job.lease = ? AND job.owner = ?"

    private static let answered = LeaseSQL.completion(by: .answered)
    private static let failed = LeaseSQL.completion(by: .failedForGood)
    private static let expired = LeaseSQL.completion(by: .deadlinePassed)
    private static let cancelled = LeaseSQL.completion(by: .cancelRequested)

    /// What ends a running job in `state`; nil where it is no end.
    static func completion(as state: JobState) -> String? {
        switch state {
        case .done: self.answered
        case .failed: self.failed
        case .expired: self.expired
        case .cancelled: self.cancelled
        case .held, .ready, .leased, .bundled: nil
        }
    }

    private static func completion(by event: JobState.Event) -> String {
        """
        UPDATE job SET state = \(JobState.target(of: event).rawValue), finished_ms = ?, result_status = ?, has_result = ?, owner = NULL
        WHERE \(self.isCurrent) AND \(JobState.allows(event))
        """
    }

    private static func putBack(by event: JobState.Event) -> String {
        """
        UPDATE job SET state = \(JobState.target(of: event).rawValue), not_before_ms = ?, last_error = ?, failures = failures + ?,
          doubts = doubts + ?, owner = NULL
        WHERE \(self.isCurrent) AND \(JobState.allows(event))
        """
    }
}

/// A leased job whose request has not been read yet.
struct PackedLease: Sendable {
    var leased: LeasedJob
    var call: PackedCall?

    /// Without a request where that is gone or cannot be read: then the job fails, and does not stop those behind it.
    var unpacked: LeasedJob {
        var leased = self.leased
        leased.call = try? self.call?.unpacked()
        return leased
    }
}

/// Whether what a batch may cost has room for another line.
enum CostRoom {
    case enough
    /// When lines that run now have cost less than they may.
    case later
    case none
}

extension WriteTransaction {
    /// Lines of a batch without a limit, and jobs of none, always have room. The limit is kept by what lines have cost, and are expected to.
    func costRoom(for row: JobRow) throws -> CostRoom {
        // A line's own limit is at most that of its batch.
        guard row.job.maxCost != nil, let batch = row.batch else { return .enough }
        let standing = try RawStatement(LeaseSQL.cost, in: self.db).first(.integer(batch), .integer(batch)) { row in
            (limit: row.longOrNil(0), spent: row.long(1), running: row.long(2))
        }
        guard let standing, let limit = standing.limit else { return .enough }
        let expected = row.job.estimatedCost?.pico ?? 0
        if standing.spent + expected > limit { return .none }
        return standing.spent + standing.running + expected > limit ? .later : .enough
    }

    /// Gives a ready job to a worker of this process.
    mutating func lease(_ row: JobRow, to epoch: Int64) throws -> PackedLease {
        let call = row.job.source == nil ? try PackedCall.find(row.id, in: self.db) : nil
        guard try RawStatement(LeaseSQL.lease, in: self.db).run(.integer(epoch), .integer(row.id)) == 1 else {
            preconditionFailure("a job that was just read as ready cannot be leased")
        }
        self.move(row.move(to: .leased))
        var job = row.job
        job.state = JobState.target(of: .leasedByWorker)
        return PackedLease(leased: LeasedJob(lease: Lease(job: row.id, number: row.lease + 1, owner: epoch), job: job, call: nil), call: call)
    }

    /// Books the ends of a job's attempts; those of a lease that is not the current one as waste. Gives what they add to a batch.
    mutating func close(_ ends: [SealedEntry], of lease: Lease, isCurrent: Bool) throws -> BatchBooking {
        var booking = BatchBooking()
        for end in ends {
            let open = try RawStatement(LeaseSQL.attemptEnd, in: self.db).run(.integer(lease.job), .integer(end.entry.attempt))
            let entry = isCurrent ? end : SealedEntry(end.entry.superseded())
            // An attempt that was open until now has no end in the chain. What was booked before is not booked again.
            if open == 1 {
                try self.chain.appendSoon(entry, to: self.db)
            } else if try !self.chain.append(entry, to: self.db) {
                continue
            }
            booking.add(entry.entry)
        }
        return booking
    }
}
