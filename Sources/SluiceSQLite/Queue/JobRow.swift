import GRDB
import SluiceCore

/// A row of the table `job` with its lane and its batch.
struct JobRow {
    /// The columns in the order in which ``init(_:)`` reads them.
    static let columns = """
        job.id, job.pub, job.request_id, job.kind, job.state, batch.pub, job.line, job.custom_id, job.tenant, job.api_key, lane.class, job.route,
        lane.endpoint, job.model, lane.sent_model, job.created_ms, job.deadline_ms, job.not_before_ms, job.promote_at_ms, job.promote_to,
        job.rung, job.attempts, job.max_cost_pico, job.estimated_cost_pico, job.finished_ms, job.result_status, job.last_error,
        job.lease, job.has_body, job.lane, job.bucket_ms, job.estimated_tokens, job.prefix, job.batch, batch.input_file, job.source_offset,
        job.source_length
        """
    static let tables = "job JOIN lane ON lane.id = job.lane LEFT JOIN batch ON batch.id = job.batch"

    var id: Int64
    var job: Job
    var lease: Int
    var hasBody: Bool
    var lane: Int64
    /// As it is stored: a job that was armed again keeps none that could be computed from it.
    var bucket: Int64
    var batch: Int64?

    init(_ row: Row) throws {
        guard let kind = Job.Kind(rawValue: row[3]), let state = JobState(rawValue: row[4]), let endpoint = Endpoint(name: row[12] as String) else {
            throw StoreError(.incompatible, "job \(row[1] as String) has a kind, a state or an endpoint that this Sluice does not know")
        }
        var job = Job(
            id: row[1], requestID: row[2], kind: kind, tenant: row[8], key: row[9], trafficClass: row[10], route: row[11], endpoint: endpoint,
            model: row[13], sentModel: row[14], created: Timestamp(milliseconds: row[15]),
            deadline: (row[16] as Int64?).map(Timestamp.init(milliseconds:)), notBefore: Timestamp(milliseconds: row[17]))
        job.state = state
        job.batchID = row[5]
        job.line = row[6]
        job.customID = row[7]
        job.promoteAt = (row[18] as Int64?).map(Timestamp.init(milliseconds:))
        job.promoteTo = row[19]
        job.rung = row[20]
        job.attempts = row[21]
        job.maxCost = (row[22] as Int64?).map(Money.init(pico:))
        job.estimatedCost = (row[23] as Int64?).map(Money.init(pico:))
        job.estimatedTokens = row[31]
        job.prefix = UInt64(bitPattern: row[32])
        if let file: String = row[34], let offset: Int = row[35], let length: Int = row[36] {
            job.source = LineSource(file: file, offset: offset, length: length)
        }
        job.finished = (row[24] as Int64?).map(Timestamp.init(milliseconds:))
        job.resultStatus = row[25]
        job.lastError = row[26]
        self.id = row[0]
        self.job = job
        self.lease = row[27]
        self.hasBody = row[28]
        self.lane = row[29]
        self.bucket = row[30]
        self.batch = row[33]
    }

    /// A step of this job, for the backlog.
    func move(to state: JobState?) -> LaneTable.Move {
        LaneTable.Move(lane: self.lane, bucket: self.bucket, tokens: self.job.estimatedTokens, from: self.job.state, to: state)
    }

    private static let byID = "SELECT \(JobRow.columns) FROM \(JobRow.tables) WHERE job.pub = ? AND (? IS NULL OR job.tenant = ?)"

    /// The job of this id, of that tenant if one is given. A line of a batch that was deleted is none any more.
    static func find(_ id: String, tenant: String?, in db: Database) throws -> JobRow? {
        try Row.fetchOne(db.cachedStatement(sql: self.byID + " AND batch.erased_ms IS NULL"), arguments: [id, tenant, tenant]).map(JobRow.init)
    }
}

extension JobState {
    /// The guard of a statement that carries out `event`: the states it applies to, from the one table of transitions.
    static func allows(_ event: Event) -> String {
        "job.state IN (\(JobState.sources(of: event).map { String($0.rawValue) }.joined(separator: ", ")))"
    }

    /// The state that `event` leads to, from wherever it applies.
    static func target(of event: Event) -> JobState {
        guard let state = JobState.sources(of: event).first?.after(event) else { preconditionFailure("\(event) leads nowhere") }
        return state
    }
}
