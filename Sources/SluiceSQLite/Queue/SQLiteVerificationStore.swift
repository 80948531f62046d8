import GRDB
package import SluiceCore

/// What substitutes answered, in the store's file, beside the jobs that ask the originals.
package struct SQLiteVerificationStore: VerificationStore {
    private let jobs: SQLiteJobStore

    package init(_ database: SQLiteDatabase) {
        self.jobs = SQLiteJobStore(database)
    }

    /// For reading alone: every write is refused.
    package init(reading reader: StoreReader) {
        self.jobs = SQLiteJobStore(reading: reader)
    }

    package func verify(_ order: VerificationOrder, then: @escaping Completion<Void>) {
        self.jobs.submit({ transaction in try transaction.add(order) }, then: then)
    }

    package func verifications(tenant: String?, limit: Int, after: String?) throws(StoreError) -> (page: [Verification], hasMore: Bool)? {
        try self.jobs.reader.read { db -> (page: [Verification], hasMore: Bool)? in
            var before = Int64.max
            if let after {
                guard let row = try JobRow.find(after, tenant: nil, in: db), row.job.kind == .verification else { return nil }
                before = row.id
            }
            let found = try RawStatement(VerificationSQL.list, in: db)
                .all(.integer(before), .text(tenant), .text(tenant), .integer(limit + 1)) { try Verification($0) }
            return (Array(found.prefix(limit)), found.count > limit)
        }
    }

    package func verification(_ id: String) throws(StoreError) -> (verification: Verification, original: JobResult?)? {
        try self.jobs.reader.read { db -> (verification: Verification, original: JobResult?)? in
            for search in [VerificationSQL.byJob, VerificationSQL.byRequest] {
                guard let found = try RawStatement(search, in: db).first(.text(id), read: { try Verification($0, body: $0.array(JobRow.width + 5)) }) else {
                    continue
                }
                let original = try RawStatement(VerificationSQL.original, in: db).first(.text(found.job.id)) { row in
                    JobResult(status: row.int(0), contentType: row.text(1), body: row.array(2))
                }
                return (found, original)
            }
            return nil
        }
    }
}

private enum VerificationSQL {
    private static let columns = """
        \(JobRow.columns), verification.rule, verification.substitute, verification.backend, verification.status, verification.content_type
        """
    private static let tables = "\(JobRow.tables) JOIN verification ON verification.job = job.id"

    static let list = """
        SELECT \(VerificationSQL.columns) FROM \(VerificationSQL.tables) WHERE verification.job < ? AND (? IS NULL OR job.tenant = ?)
        ORDER BY verification.job DESC LIMIT ?
        """
    static let byJob = "SELECT \(VerificationSQL.columns), verification.body FROM \(VerificationSQL.tables) WHERE job.pub = ?"
    static let byRequest = "SELECT \(VerificationSQL.columns), verification.body FROM \(VerificationSQL.tables) WHERE job.kind = 5 AND job.request_id = ?"
    static let original = """
        SELECT job_result.status, job_result.content_type, job_result.body FROM job_result JOIN job ON job.id = job_result.job WHERE job.pub = ?
        """
}

extension Verification {
    /// - Parameter row: The columns of a job, then those of its verification.
    fileprivate init(_ row: RawRow, body: [UInt8] = []) throws {
        self.init(
            job: try JobRow(row).job, rule: row.text(JobRow.width), substitute: row.text(JobRow.width + 1), backend: row.text(JobRow.width + 2),
            answer: JobResult(status: row.int(JobRow.width + 3), contentType: row.text(JobRow.width + 4), body: body))
    }
}

extension WriteTransaction {
    /// Does nothing where the request is verified already.
    mutating func add(_ order: VerificationOrder) throws {
        let (verification, job) = (order.verification, order.verification.job)
        guard job.kind == .verification, job.state == .ready, job.batchID == nil, job.source == nil else {
            throw StoreError(.other, "a verification is a job of its own that is ready")
        }
        guard try self.verification(ofRequest: job.requestID) == nil else { return }
        let id = try self.insert(job, order.call)
        // Its attempts are counted on from those of the request.
        try RawStatement("UPDATE job SET attempts = ? WHERE id = ?", in: self.db).run(.integer(job.attempts), .integer(id))
        try RawStatement("INSERT INTO verification(job, rule, substitute, backend, status, content_type, body) VALUES (?, ?, ?, ?, ?, ?, ?)", in: self.db).run(
            .integer(id), .text(verification.rule), .text(verification.substitute), .text(verification.backend), .integer(verification.answer.status),
            .text(verification.answer.contentType), .bytes(verification.answer.body))
    }

    /// The number of the job that verifies a request; nil where there is none.
    func verification(ofRequest id: String) throws -> Int64? {
        try RawStatement("SELECT id FROM job WHERE kind = 5 AND request_id = ?", in: self.db).first(.text(id)) { $0.long(0) }
    }
}
