import FoundationEssentials
import GRDB
package import SluiceCore

/// What workers do. These statements run for every job, so they are prepared once and given their arguments by position.
extension SQLiteJobStore {
    package func lease(_ lane: Job.Lane, limit: Int, at now: Timestamp, then: @escaping Completion<[LeasedJob]>) {
        let epoch = self.epoch
        self.submit(
            { transaction in
                var leased: [LeasedJob] = []
                for share in transaction.backlog.withTable({ $0.shares(of: lane, for: limit) }) {
                    let rows = try Row.fetchAll(
                        transaction.db.cachedStatement(sql: LeaseSQL.candidates), arguments: [share.lane, share.bucket, limit - leased.count]
                    ).map(JobRow.init)
                    for row in rows { leased.append(try transaction.lease(row, to: epoch)) }
                }
                return leased
            }, then: then)
    }

    package func begin(_ intent: AttemptIntent, under lease: Lease, then: @escaping Completion<Void>) {
        let sealed = SealedEntry(intent.entry)
        self.submit(
            { transaction in
                let db = transaction.db
                guard let requestID = sealed.entry.subject?.requestID, let attempt = sealed.entry.attempt, sealed.entry.kind == .intent else {
                    throw StoreError(.other, "what is begun is the intent of an attempt of a request")
                }
                try db.cachedStatement(sql: LeaseSQL.begin).execute(arguments: lease.arguments)
                guard db.changesCount == 1 else { throw StoreError(.other, "the lease of the job has ended") }
                try db.cachedStatement(sql: LeaseSQL.attempt).execute(
                    arguments: [lease.job, attempt, requestID, lease.number, intent.bound?.pico, sealed.entry.at.milliseconds])
                try transaction.chain.append(sealed, to: db)
            }, then: then)
    }

    package func complete(
        _ lease: Lease, as state: JobState, result: JobResult?, ends: [LedgerEntry], at now: Timestamp, then: @escaping Completion<Bool>
    ) {
        guard let statement = LeaseSQL.completion(as: state) else {
            return then(.failure(StoreError(.other, "a job does not end as \(state.name)")))
        }
        let sealed = ends.map { SealedEntry($0) }
        self.submit(
            { transaction in
                let arguments: StatementArguments = [state.rawValue, now.milliseconds, result?.status, result != nil] + lease.arguments
                let job = try Row.fetchOne(transaction.db.cachedStatement(sql: statement), arguments: arguments).map(EndedJob.init)
                let booking = try transaction.close(sealed, of: lease, isCurrent: job != nil)
                if let job {
                    try transaction.end(job, from: .leased, result: result, attempts: booking, at: now)
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
        let statement = notBefore > now ? LeaseSQL.putBackToWait : LeaseSQL.putBack
        self.submit(
            { transaction in
                let row = try Row.fetchOne(
                    transaction.db.cachedStatement(sql: statement), arguments: [notBefore.milliseconds, error] + lease.arguments)
                if let row {
                    transaction.move(LaneTable.Move(lane: row[0], bucket: row[1], tokens: row[2], from: .leased, to: JobState.target(of: event)))
                }
                let booking = try transaction.close(sealed, of: lease, isCurrent: row != nil)
                try transaction.book(booking, toBatchOf: lease.job, at: now)
                return row != nil
            }, then: then)
    }
}

private enum LeaseSQL {
    static let candidates = """
        SELECT \(JobRow.columns) FROM \(JobRow.tables)
        WHERE job.state = 1 AND \(JobState.allows(.leasedByWorker)) AND job.lane = ? AND job.bucket_ms = ?
        ORDER BY job.prefix, job.id LIMIT ?
        """
    static let lease = """
        UPDATE job SET state = \(JobState.target(of: .leasedByWorker).rawValue), lease = lease + 1, owner = ?
        WHERE id = ? AND \(JobState.allows(.leasedByWorker))
        """
    static let begin = "UPDATE job SET attempts = attempts + 1 WHERE \(LeaseSQL.isCurrent)"
    static let attempt = "INSERT INTO attempt(job, n, request_id, lease, bound_pico, started_ms) VALUES (?, ?, ?, ?, ?, ?)"
    static let attemptEnd = "UPDATE attempt SET ended_ms = ? WHERE job = ? AND n = ? AND ended_ms IS NULL"
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
        UPDATE job SET state = ?, finished_ms = ?, result_status = ?, has_result = ?, owner = NULL
        WHERE \(self.isCurrent) AND \(JobState.allows(event)) RETURNING \(EndedJob.columns)
        """
    }

    private static func putBack(by event: JobState.Event) -> String {
        """
        UPDATE job SET state = \(JobState.target(of: event).rawValue), not_before_ms = ?, last_error = ?, owner = NULL
        WHERE \(self.isCurrent) AND \(JobState.allows(event)) RETURNING lane, bucket_ms, estimated_tokens
        """
    }
}

extension Lease {
    /// In the order in which the statements want them.
    fileprivate var arguments: StatementArguments { [self.job, self.number, self.owner] }
}

extension WriteTransaction {
    /// Gives a ready job to a worker of this process.
    fileprivate mutating func lease(_ row: JobRow, to epoch: Int64) throws -> LeasedJob {
        var call: StoredCall?
        if row.job.source == nil {
            call = try StoredCall.find(row.id, in: self.db)
            guard call != nil else { throw StoreError(.other, "job \(row.job.id) has lost its request") }
        }
        try self.db.cachedStatement(sql: LeaseSQL.lease).execute(arguments: [epoch, row.id])
        guard self.db.changesCount == 1 else { preconditionFailure("a job that was just read as ready cannot be leased") }
        self.move(row.move(to: .leased))
        var job = row.job
        job.state = JobState.target(of: .leasedByWorker)
        return LeasedJob(lease: Lease(job: row.id, number: row.lease + 1, owner: epoch), job: job, call: call)
    }

    /// Books the ends of a job's attempts; those of a lease that is not the current one as waste. Gives what they add to a batch.
    fileprivate mutating func close(_ ends: [SealedEntry], of lease: Lease, isCurrent: Bool) throws -> BatchBooking {
        var booking = BatchBooking()
        for end in ends {
            try self.db.cachedStatement(sql: LeaseSQL.attemptEnd).execute(arguments: [end.entry.at.milliseconds, lease.job, end.entry.attempt])
            let entry = isCurrent ? end : SealedEntry(end.entry.superseded())
            try self.chain.append(entry, to: self.db)
            booking.add(entry.entry)
        }
        return booking
    }
}
