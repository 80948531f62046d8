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
        job.source_length, job.failures, job.doubts
        """
    /// How many those are: the first of what a statement selects behind them.
    static let width: Int32 = 39
    static let tables = "job JOIN lane ON lane.id = job.lane LEFT JOIN batch ON batch.id = job.batch"

    var id: Int64
    var job: Job
    var lease: Int
    var hasBody: Bool
    var lane: Int64
    /// As it is stored: a job that was armed again keeps none that could be computed from it.
    var bucket: Int64
    var batch: Int64?

    init(_ row: RawRow) throws {
        guard let kind = Job.Kind(rawValue: row.int(3)), let state = JobState(rawValue: row.int(4)), let endpoint = Endpoint(name: row.text(12)) else {
            throw StoreError(.incompatible, "job \(row.text(1)) has a kind, a state or an endpoint that this Sluice does not know")
        }
        var job = Job(
            id: row.text(1), requestID: row.text(2), kind: kind, tenant: row.text(8), key: row.textOrNil(9), trafficClass: row.text(10), route: row.text(11),
            endpoint: endpoint, model: row.text(13), sentModel: row.text(14), created: Timestamp(milliseconds: row.long(15)),
            deadline: row.longOrNil(16).map(Timestamp.init(milliseconds:)), notBefore: Timestamp(milliseconds: row.long(17)))
        job.state = state
        job.batchID = row.textOrNil(5)
        job.line = row.intOrNil(6)
        job.customID = row.textOrNil(7)
        job.promoteAt = row.longOrNil(18).map(Timestamp.init(milliseconds:))
        job.promoteTo = row.textOrNil(19)
        job.rung = row.int(20)
        job.attempts = row.int(21)
        job.maxCost = row.longOrNil(22).map(Money.init(pico:))
        job.estimatedCost = row.longOrNil(23).map(Money.init(pico:))
        job.finished = row.longOrNil(24).map(Timestamp.init(milliseconds:))
        job.resultStatus = row.intOrNil(25)
        job.lastError = row.textOrNil(26)
        job.estimatedTokens = row.int(31)
        job.prefix = UInt64(bitPattern: row.long(32))
        job.tries.failures = row.int(37)
        job.tries.doubts = row.int(38)
        if let file = row.textOrNil(34), let offset = row.intOrNil(35), let length = row.intOrNil(36) {
            job.source = LineSource(file: file, offset: offset, length: length)
        }
        self.id = row.long(0)
        self.job = job
        self.lease = row.int(27)
        self.hasBody = row.bool(28)
        self.lane = row.long(29)
        self.bucket = row.long(30)
        self.batch = row.longOrNil(33)
    }

    /// A step of this job, for the backlog.
    func move(to state: JobState?) -> LaneTable.Move {
        LaneTable.Move(
            lane: self.lane, bucket: self.bucket, tokens: self.job.estimatedTokens, created: self.job.created.milliseconds, from: self.job.state, to: state)
    }

    private static let bundle = """
        SELECT bundle.token, bundle.backend, bundle.up_batch FROM bundle_line JOIN bundle ON bundle.id = bundle_line.bundle
        WHERE bundle_line.job = ? ORDER BY bundle_line.bundle DESC LIMIT 1
        """

    /// The job with the provider's batch that has a line of it.
    func shown(in db: Database) throws -> Job {
        // One that was called back may still be run there.
        guard self.job.state == .bundled || (self.job.rung == Job.offLanes && !self.job.state.isTerminal) else { return self.job }
        var job = self.job
        job.bundle = try RawStatement(JobRow.bundle, in: db).first(.integer(self.id)) { row in
            Job.InBundle(token: row.text(0), backend: row.text(1), batch: row.textOrNil(2))
        }
        return job
    }

    private static let byID = """
        SELECT \(JobRow.columns) FROM \(JobRow.tables) WHERE job.pub = ? AND (? IS NULL OR (job.tenant = ? AND job.kind <> 5)) AND batch.erased_ms IS NULL
        """

    /// The job of this id, of that tenant if one is given: then a verification is none of its. A line of a batch that was deleted is none any more.
    static func find(_ id: String, tenant: String?, in db: Database) throws -> JobRow? {
        try RawStatement(self.byID, in: db).first(.text(id), .text(tenant), .text(tenant), read: JobRow.init)
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
