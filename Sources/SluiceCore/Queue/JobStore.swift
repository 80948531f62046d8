/// What went wrong with the store, as far as a caller can act on it.
package struct StoreError: Error, Sendable {
    package enum Code: Sendable {
        /// No space left: new work is refused with 507, everything else goes on.
        case full
        /// A commit could not be made durable: the process must not acknowledge anything more.
        case ioFailure
        /// Somebody else holds the database.
        case busy
        /// The file is newer than this program, or no database of ours.
        case incompatible
        case closed
        case other
    }

    package var code: Code
    package var message: String
    /// The file holds what nobody can have written there.
    package var tellsDamage: Bool

    package init(_ code: Code, _ message: String, tellsDamage: Bool = false) {
        self.code = code
        self.message = message
        self.tellsDamage = tellsDamage
    }
}

/// Deferred work on disk.
///
/// Every write is durable when its callback is called with success (`synchronous=FULL`, group commit) and changes nothing when it is
/// called with an error. Callbacks run on a thread of the store's; they must not block. No write is ever cancelled with the task that
/// asked for it.
package protocol JobStore: Sendable {
    typealias Completion<Value> = @Sendable (Result<Value, StoreError>) -> Void

    // MARK: Writing

    /// Stores a new job, `held` or `ready` as its `state` says, and the answer that it gets under its idempotency key where there is one.
    func enqueue(_ job: Job, call: StoredCall, answer: KeptAnswer?, then: @escaping Completion<Void>)

    /// Moves jobs whose window has opened (`notBefore ≤ now`) to `ready`, and those whose promotion is due (`promoteAt ≤ now`) to rung 1.
    /// Gives how many moved, and when the next move is due.
    func release(at now: Timestamp, then: @escaping Completion<ReleaseOutcome>)

    /// Promotes one waiting job now: rung 1, `ready`. Gives whether it is on that rung and not at an end, now or already: false where it runs elsewhere
    /// or has nowhere to go.
    func promote(_ id: String, at now: Timestamp, then: @escaping Completion<Bool>)

    /// Promotes up to `limit` waiting jobs of a place in the queue, those that are due the soonest first; only such as have somewhere to go.
    /// Gives how many.
    func promote(_ lane: Job.Lane, bucket: Timestamp, limit: Int, at now: Timestamp, then: @escaping Completion<Int>)

    /// Ends waiting jobs (not running ones) whose deadline has passed as `expired`; gives their ids and those of running ones that are overdue.
    func expire(at now: Timestamp, then: @escaping Completion<(expired: [String], overdue: [String])>)

    /// Leases up to `limit` ready jobs of a lane, the earliest bucket first, inside a bucket by ``PrefixTurn``, of one prefix in order of
    /// arrival. Lines of paused batches are left out, and do not slow it down.
    ///
    /// A line whose expected cost does not fit into what its batch may cost is given as ``LeasedJob/isOverCost``; one that does not fit only as
    /// long as others of the batch run stays where it is.
    func lease(_ lane: Job.Lane, limit: Int, at now: Timestamp, then: @escaping Completion<[LeasedJob]>)

    /// Commits the intent of one upstream call of a leased job, before its bytes leave. Fails with `.other` where the lease is stale.
    func begin(_ intent: AttemptIntent, under lease: Lease, then: @escaping Completion<Void>)

    /// Ends a leased job with its answer, books the attempts, in one transaction. Gives false where the lease was stale: then the answer is
    /// dropped and the attempts are booked as `waste` with the outcome `superseded`.
    ///
    /// - Parameter verification: Stored with the answer of a job that is done, as by ``VerificationStore/verify(_:then:)``.
    func complete(
        _ lease: Lease, as state: JobState, result: JobResult?, ends: [LedgerEntry], verification: VerificationOrder?, at now: Timestamp,
        then: @escaping Completion<Bool>)

    /// Puts a leased job back, to be run again not before `notBefore`; books its attempts.
    func putBack(_ lease: Lease, notBefore: Timestamp, error: String, ends: [LedgerEntry], at now: Timestamp, then: @escaping Completion<Bool>)

    /// Cancels a job that is not at an end; a job at an end stays as it is. nil where there is none (for that tenant). `wasRunning` tells
    /// that a call in flight must be dropped.
    func cancel(_ id: String, tenant: String?, at now: Timestamp, then: @escaping Completion<(job: Job, wasRunning: Bool)?>)

    /// Arms a failed, cancelled or expired job again.
    func retry(_ id: String, tenant: String?, at now: Timestamp, then: @escaping Completion<Job?>)

    /// Gives jobs that wait the class, the route, the times and the model that they have here; one that does not wait any more stays as it is.
    /// Gives how many changed.
    func reclassify(_ jobs: [Job], then: @escaping Completion<Int>)

    /// Erases request and answer of a job at an end; false where there is none or it is not at an end.
    func erase(_ id: String, tenant: String?, at now: Timestamp, then: @escaping Completion<Bool>)

    /// Erases answers and bodies that are older than they may be. Gives how many.
    ///
    /// - Parameter own: Limits of tenants that have some of their own.
    func sweep(_ limits: SweepLimits, own: [String: SweepLimits], at now: Timestamp, then: @escaping Completion<Int>)

    // MARK: Reading; these block for a read of the database, so never on an event loop

    func job(_ id: String, tenant: String?) throws(StoreError) -> Job?
    /// What the job asks for; nil where that is erased, or stands in a file (``Job/source``).
    func call(of id: String, tenant: String?) throws(StoreError) -> StoredCall?
    func result(of id: String, tenant: String?) throws(StoreError) -> JobResult?
    /// Newest first, strictly after the job `after`. A foreign or unknown `after` gives nil.
    func jobs(tenant: String?, states: [JobState], limit: Int, after: String?) throws(StoreError) -> (page: [Job], hasMore: Bool)?
    /// What waits in every lane, bucket by bucket. Kept in memory, so it costs nothing to ask.
    func backlog() -> [LaneBacklog]
    /// By class and state, for metrics and the dashboard.
    func queueDepths() throws(StoreError) -> [QueueDepth]
}

package struct ReleaseOutcome: Sendable {
    package var moved: Int
    package var next: Timestamp?

    package init(moved: Int, next: Timestamp?) {
        self.moved = moved
        self.next = next
    }
}

package struct LaneBacklog: Sendable {
    package struct Bucket: Sendable {
        /// As ``Job/bucket``.
        package var at: Timestamp
        /// May run now.
        package var ready = Amount()
        /// Wait for their window.
        package var held = Amount()

        package init(at: Timestamp) { self.at = at }
    }

    package struct Amount: Hashable, Sendable {
        package var jobs = 0
        /// The sum of ``Job/estimatedTokens``.
        package var tokens = 0

        package init() {}
    }

    package var lane: Job.Lane
    /// The most urgent first; none is empty.
    package var buckets: [Bucket]

    package init(lane: Job.Lane, buckets: [Bucket]) {
        self.lane = lane
        self.buckets = buckets
    }
}

package struct QueueDepth: Sendable {
    package var trafficClass: String
    package var state: JobState
    package var jobs: Int
    package var oldest: Timestamp

    package init(trafficClass: String, state: JobState, jobs: Int, oldest: Timestamp) {
        self.trafficClass = trafficClass
        self.state = state
        self.jobs = jobs
        self.oldest = oldest
    }
}

/// From before when answers and bodies of finished work are erased; nil keeps all.
package struct SweepLimits: Hashable, Sendable {
    package var results: Timestamp?
    package var prompts: Timestamp?

    package init(results: Timestamp? = nil, prompts: Timestamp? = nil) {
        self.results = results
        self.prompts = prompts
    }

    package init(_ retention: Retention, at now: Timestamp) {
        self.init(results: retention.results.map { now - $0 }, prompts: retention.prompts.map { now - $0 })
    }
}
