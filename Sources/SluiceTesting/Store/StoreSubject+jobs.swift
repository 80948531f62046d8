import SluiceCore

/// What the cases do to jobs, awaited.
extension StoreSubject {
    func enqueue(_ job: Job, _ call: StoredCall = Sample.call(), answer: KeptAnswer? = nil) async throws {
        try await stored { self.jobs.enqueue(job, call: call, answer: answer, then: $0) }
    }

    func lease(_ lane: Job.Lane, limit: Int = 10) async throws -> [LeasedJob] {
        try await stored { self.jobs.lease(lane, limit: limit, at: Sample.now, then: $0) }
    }

    /// A job with a worker.
    func leased(_ job: Job) async throws -> Lease {
        try await self.enqueue(job)
        return try require(try await self.lease(job.lane).first { $0.job.id == job.id }?.lease, "job \(job.id) is not leased")
    }

    func begin(_ job: Job, under lease: Lease, attempt: Int = 1) async throws {
        try await stored { self.jobs.begin(Sample.intent(self.subject(of: job), attempt: attempt), under: lease, then: $0) }
    }

    func subject(of job: Job) -> LedgerEntry.Subject { Sample.subject(job.requestID, trafficClass: job.trafficClass, jobID: job.id, serve: .later) }

    func complete(_ job: Job, under lease: Lease, as state: JobState = .done, attempt: Int = 1) async throws -> Bool {
        var result = JobResult(status: 200, contentType: "application/json", body: Array("{\"of\":\"\(job.id)\"}".utf8))
        result.lines = Array("sluice-route: batch\r\n".utf8)
        let end = Sample.settled(self.subject(of: job), attempt: attempt)
        return try await stored { self.jobs.complete(lease, as: state, result: result, ends: [end], verification: nil, at: Sample.now, then: $0) }
    }

    func putBack(_ job: Job, under lease: Lease, notBefore: Timestamp = Sample.now, attempt: Int = 1) async throws -> Bool {
        var end = Sample.settled(self.subject(of: job), attempt: attempt, cost: .zero, baseline: nil)
        end.settlement?.outcome = .refused
        return try await stored { self.jobs.putBack(lease, notBefore: notBefore, error: "429", ends: [end], at: Sample.now, then: $0) }
    }

    func state(of job: Job) throws -> JobState? { try self.jobs.job(job.id, tenant: nil)?.state }

    /// The kinds and outcomes of a request's entries.
    func entries(of job: Job) throws -> [LedgerEntry] {
        try self.ledger.rows(ofRequest: job.requestID).map { try LedgerLine.read($0.line).entry }
    }
}
