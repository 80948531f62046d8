import GRDB
package import SluiceCore

extension SQLiteBundleStore {
    package func settle(_ bundle: Int64, _ ends: [LineEnd], at now: Timestamp, then: @escaping Completion<[LineOutcome]>) {
        let sealed = ends.map { (end: $0, entry: SealedEntry($0.entry)) }
        self.jobs.submit(
            { transaction in
                var outcomes: [LineOutcome] = []
                for (end, entry) in sealed {
                    guard let line = try transaction.takeLine(of: end.job, from: bundle) else { continue }
                    guard let outcome = try transaction.settle(end, entry, of: line, at: now) else { continue }
                    if let verification = end.verification { try transaction.add(verification) }
                    outcomes.append(outcome)
                }
                return outcomes
            }, then: then)
    }

    package func hedge(_ bundle: Int64, _ how: LineReturn, at now: Timestamp, then: @escaping Completion<Int>) {
        let sql = "SELECT job.id FROM bundle_line JOIN job ON job.id = bundle_line.job WHERE bundle_line.bundle = ? AND \(BundleRow.isCurrent)"
        self.jobs.submit(
            { transaction in
                let jobs = try RawStatement(sql, in: transaction.db).all(.integer(bundle)) { $0.long(0) }
                for job in jobs { try transaction.putBack(job, how, at: now) }
                return jobs.count
            }, then: then)
    }
}

/// A line that was taken out of its bundle.
struct TakenLine {
    var lease: Lease
    /// Its job still waits for it.
    var isCurrent: Bool
}

extension WriteTransaction {
    /// Takes a line out; nil where it has its end already.
    func takeLine(of job: Int64, from bundle: Int64) throws -> TakenLine? {
        let sql = """
            SELECT lease, owner, ifnull((SELECT \(BundleRow.isCurrent) FROM job WHERE job.id = bundle_line.job), 0)
            FROM bundle_line WHERE bundle = ? AND job = ?
            """
        let line = try RawStatement(sql, in: self.db).first(.integer(bundle), .integer(job)) { row in
            TakenLine(lease: Lease(job: job, number: row.int(0), owner: row.long(1)), isCurrent: row.bool(2))
        }
        if line != nil { try RawStatement("DELETE FROM bundle_line WHERE bundle = ? AND job = ?", in: self.db).run(.integer(bundle), .integer(job)) }
        return line
    }

    /// Books the end of a line. Its job ends with it where it still waits for it, and, with an answer, wherever it has got to meanwhile.
    fileprivate mutating func settle(_ end: LineEnd, _ entry: SealedEntry, of line: TakenLine, at now: Timestamp) throws -> LineOutcome? {
        switch end.fate {
        case .complete(let state, let result):
            if line.isCurrent, let event = state.lineEvent { return try self.finish(end.job, by: event, result, entry, of: line, at: now) }
            if state == .done, let outcome = try self.finish(end.job, by: .answeredElsewhere, result, entry, of: line, at: now) { return outcome }
        case .back(let how):
            if line.isCurrent { try self.putBack(end.job, how, at: now) }
        }
        let booking = try self.close([entry], of: line.lease, isCurrent: line.isCurrent)
        try self.book(booking, toBatchOf: end.job, at: now)
        return nil
    }

    /// Ends a job with what its line says; nil where `event` does not apply to it.
    private mutating func finish(
        _ job: Int64, by event: JobState.Event, _ result: JobResult, _ entry: SealedEntry, of line: TakenLine, at now: Timestamp
    ) throws -> LineOutcome? {
        let state = JobState.target(of: event)
        let found = try RawStatement("SELECT \(EndedJob.columns) FROM job WHERE id = ? AND \(JobState.allows(event))", in: self.db)
            .first(.integer(job)) { try (job: EndedJob($0, as: state), origin: JobState(rawValue: $0.int(7))) }
        guard let found else { return nil }
        let sql = """
            UPDATE job SET state = \(state.rawValue), finished_ms = ?, result_status = ?, has_result = 1, owner = NULL
            WHERE id = ? AND \(JobState.allows(event))
            """
        try RawStatement(sql, in: self.db).run(.integer(now.milliseconds), .integer(result.status), .integer(job))
        let booking = try self.close([entry], of: line.lease, isCurrent: true)
        try self.end(found.job, result: result, attempts: booking, at: now)
        return LineOutcome(job: found.job.pub, result: result, wasLeased: found.origin == .leased)
    }

    /// Sends a bundled job back to the queue, to another lane where it is not for a provider's batch again.
    mutating func putBack(_ job: Int64, _ how: LineReturn, at now: Timestamp?) throws {
        let found = try RawStatement("SELECT \(JobRow.columns) FROM \(JobRow.tables) WHERE job.id = ?", in: self.db).first(.integer(job), read: JobRow.init)
        guard let row = found, row.job.state == .bundled else { return }
        let notBefore = how.notBefore ?? row.job.notBefore
        let event = now.map { notBefore > $0 } ?? false ? JobState.Event.putBackToWait : .putBack
        var back = row.job
        back.state = JobState.target(of: event)
        if how.isOffLanes, back.rung == 0 { back.rung = Job.offLanes }
        let lane = try self.number(of: back.lane, batch: row.batch)
        let sql = """
            UPDATE job SET state = \(back.state.rawValue), not_before_ms = ?, last_error = ?, owner = NULL, lane = ?, rung = ?
            WHERE id = ? AND \(JobState.allows(event))
            """
        try RawStatement(sql, in: self.db)
            .run(.integer(notBefore.milliseconds), .text(how.reason), .integer(lane), .integer(back.rung), .integer(job))
        self.move(row.move(to: nil))
        var arrival = row.move(to: back.state)
        (arrival.lane, arrival.from) = (lane, nil)
        self.move(arrival)
    }
}

extension JobState {
    /// What ends a bundled job in this state.
    fileprivate var lineEvent: Event? {
        switch self {
        case .done: .answered
        case .failed: .failedForGood
        case .held, .ready, .leased, .bundled, .expired, .cancelled: nil
        }
    }
}
