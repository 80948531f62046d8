import Dispatch
import GRDB
package import SluiceCore

extension SQLiteBundleStore {
    package func gather(
        _ lanes: [(lane: Job.Lane, jobs: Int)], into draft: Bundle, quota: Int?, at now: Timestamp, then: @escaping Completion<GatheredBundle>
    ) {
        let (epoch, unpacking) = (self.jobs.epoch, self.jobs.unpacking)
        self.jobs.submit(
            { transaction in
                var bundle = draft
                var room = try quota.map { EnqueuedTokens(waiting: try transaction.waitingTokens(beside: draft), quota: $0) }
                bundle.id = try transaction.insert(draft)
                var (taken, overCost): ([PackedLease], [PackedLease]) = ([], [])
                for (lane, jobs) in lanes {
                    for row in try transaction.ready(of: lane, atMost: jobs) {
                        switch try transaction.costRoom(for: row) {
                        case .enough:
                            guard room?.take(row.job.estimatedTokens) ?? true else { continue }
                            taken.append(try transaction.bundle(row, into: bundle.id, by: epoch))
                        case .later: continue
                        case .none:
                            var job = try transaction.lease(row, to: epoch)
                            job.leased.isOverCost = true
                            overCost.append(job)
                        }
                    }
                }
                if taken.isEmpty { try transaction.remove(bundle: bundle.id) }
                (bundle.lines, bundle.running) = (taken.count, taken.count)
                return (taken.isEmpty ? nil : bundle, taken, overCost)
            },
            then: { result in
                unpacking.async {
                    then(result.map { GatheredBundle(bundle: $0.0, jobs: $0.1.map(\.unpacked), overCost: $0.2.map(\.unpacked)) })
                }
            })
    }

    package func submit(
        _ bundle: Bundle, intents: [(job: Int64, intent: AttemptIntent)], returned: [(job: Int64, how: LineReturn)], at now: Timestamp,
        then: @escaping Completion<Set<Int64>>
    ) {
        let sealed = intents.map { (job: $0.job, entry: SealedEntry($0.intent.entry), bound: $0.intent.bound) }
        self.jobs.submit(
            { transaction in
                for line in returned {
                    guard try transaction.takeLine(of: line.job, from: bundle.id) != nil else { continue }
                    try transaction.putBack(line.job, line.how, at: now)
                }
                var present: Set<Int64> = []
                for line in sealed where try transaction.begin(line.job, in: bundle.id, line.entry, bound: line.bound) { present.insert(line.job) }
                guard !present.isEmpty else {
                    try transaction.remove(bundle: bundle.id)
                    return present
                }
                let sql = """
                    UPDATE bundle SET state = \(BundleState.target(of: .recorded).rawValue), submitted_ms = ?, pull_ms = ?, hedge_ms = ?
                    WHERE id = ? AND \(BundleState.allows(.recorded))
                    """
                let count = try RawStatement(sql, in: transaction.db).run(
                    .integer(now.milliseconds), .integer(bundle.pullAt?.milliseconds), .integer(bundle.hedgeAt?.milliseconds), .integer(bundle.id))
                guard count == 1 else { throw StoreError(.other, "bundle \(bundle.token) is not being built") }
                return present
            }, then: then)
    }
}

extension WriteTransaction {
    fileprivate func insert(_ bundle: Bundle) throws -> Int64 {
        try RawStatement("INSERT INTO bundle(token, backend, model, endpoint, state, created_ms) VALUES (?, ?, ?, ?, ?, ?)", in: self.db).run(
            .text(bundle.token), .text(bundle.backend), .text(bundle.model), .text(bundle.endpoint.name), .integer(BundleState.building.rawValue),
            .integer(bundle.created.milliseconds))
        return self.db.lastInsertedRowID
    }

    /// What waits at the provider, or is on its way there, of the backend and the model of a new bundle.
    fileprivate func waitingTokens(beside bundle: Bundle) throws -> Int {
        let sql = """
            SELECT ifnull(sum(job.estimated_tokens), 0) FROM bundle JOIN bundle_line ON bundle_line.bundle = bundle.id JOIN job ON job.id = bundle_line.job
            WHERE (bundle.state < 4 OR bundle.leftovers <> '') AND bundle.state < 4 AND bundle.backend = ? AND bundle.model = ?
            """
        return try RawStatement(sql, in: self.db).first(.text(bundle.backend), .text(bundle.model)) { $0.int(0) } ?? 0
    }

    fileprivate func remove(bundle: Int64) throws {
        try RawStatement("DELETE FROM bundle WHERE id = ?", in: self.db).run(.integer(bundle))
    }

    /// The most urgent ready jobs of a lane.
    fileprivate func ready(of lane: Job.Lane, atMost limit: Int) throws -> [JobRow] {
        var rows: [JobRow] = []
        for share in self.backlog.withTable({ $0.shares(of: lane, for: limit) }) where rows.count < limit {
            rows += try RawStatement(LeaseSQL.candidates, in: self.db)
                .all(.integer(share.lane), .integer(share.bucket), .integer(Int64.min), .integer(Int64.max), .integer(limit - rows.count), read: JobRow.init)
        }
        return rows
    }

    /// Gives a ready job to a bundle.
    fileprivate mutating func bundle(_ row: JobRow, into bundle: Int64, by epoch: Int64) throws -> PackedLease {
        let call = row.job.source == nil ? try PackedCall.find(row.id, in: self.db) : nil
        let sql = """
            UPDATE job SET state = \(JobState.target(of: .bundledUpstream).rawValue), lease = lease + 1, owner = ?
            WHERE id = ? AND \(JobState.allows(.bundledUpstream))
            """
        guard try RawStatement(sql, in: self.db).run(.integer(epoch), .integer(row.id)) == 1 else {
            preconditionFailure("a job that was just read as ready cannot be bundled")
        }
        try RawStatement("INSERT INTO bundle_line(bundle, job, lease, owner, attempt) VALUES (?, ?, ?, ?, ?)", in: self.db)
            .run(.integer(bundle), .integer(row.id), .integer(row.lease + 1), .integer(epoch), .integer(row.job.attempts + 1))
        self.move(row.move(to: JobState.target(of: .bundledUpstream)))
        var job = row.job
        job.state = JobState.target(of: .bundledUpstream)
        return PackedLease(leased: LeasedJob(lease: Lease(job: row.id, number: row.lease + 1, owner: epoch), job: job, call: nil), call: call)
    }

    /// Begins the attempt of a line; a job that was cancelled meanwhile is no part of the bundle any more.
    fileprivate mutating func begin(_ job: Int64, in bundle: Int64, _ intent: SealedEntry, bound: Money?) throws -> Bool {
        guard let requestID = intent.entry.subject?.requestID, let attempt = intent.entry.attempt, intent.entry.kind == .intent else {
            throw StoreError(.other, "what is begun is the intent of an attempt of a request")
        }
        let sql = """
            UPDATE job SET attempts = attempts + 1
            WHERE id = ? AND EXISTS (SELECT 1 FROM bundle_line WHERE bundle = ? AND job = job.id AND attempt = ? AND \(BundleRow.isCurrent))
            """
        guard try RawStatement(sql, in: self.db).run(.integer(job), .integer(bundle), .integer(attempt)) == 1 else {
            _ = try self.takeLine(of: job, from: bundle)
            return false
        }
        try RawStatement(LeaseSQL.attempt, in: self.db)
            .run(.integer(job), .integer(attempt), .text(requestID), .integer(bound?.pico), .integer(intent.entry.at.milliseconds))
        try self.chain.appendSoon(intent, to: self.db)
        return true
    }

    /// Gives back the jobs of bundles of which nothing has left: their process is gone.
    mutating func takeBackUnbuilt() throws {
        let sql = "SELECT id, job FROM bundle JOIN bundle_line ON bundle = id WHERE state = \(BundleState.building.rawValue)"
        for (bundle, job) in try RawStatement(sql, in: self.db).all(read: { ($0.long(0), $0.long(1)) }) {
            guard let line = try self.takeLine(of: job, from: bundle), line.isCurrent else { continue }
            try self.putBack(job, LineReturn("the server was stopped", isOffLanes: false), at: nil)
        }
        try RawStatement("DELETE FROM bundle WHERE state = \(BundleState.building.rawValue)", in: self.db).run()
    }
}
