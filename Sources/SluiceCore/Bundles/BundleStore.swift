/// Bundles on disk, beside the jobs in them. The promises are those of ``JobStore``.
package protocol BundleStore: Sendable {
    typealias Completion<Value> = @Sendable (Result<Value, StoreError>) -> Void

    /// Takes up to so many ready jobs of each lane into a new bundle that is being built. Lines whose batch has used up what it may cost are
    /// leased instead, to be ended.
    ///
    /// - Parameter quota: How many tokens the bundles of its backend and model may have waiting together; nil for as many as there are.
    func gather(
        _ lanes: [(lane: Job.Lane, jobs: Int)], into bundle: Bundle, quota: Int?, at now: Timestamp, then: @escaping Completion<GatheredBundle>)

    /// Commits the intents of all lines, before a byte of them leaves; those in `returned` go back without one. Gives the jobs that are in it
    /// now: who was cancelled meanwhile is not. With none left there is no bundle any more.
    func submit(
        _ bundle: Bundle, intents: [(job: Int64, intent: AttemptIntent)], returned: [(job: Int64, how: LineReturn)], at now: Timestamp,
        then: @escaping Completion<Set<Int64>>)

    func keep(file: String, of bundle: Int64, then: @escaping Completion<Void>)
    /// The provider's own name of the batch.
    func accept(_ bundle: Int64, as batch: String, then: @escaping Completion<Bool>)
    func askedCancel(_ bundle: Int64, then: @escaping Completion<Bool>)
    /// Calls it back before its time.
    func recall(_ bundle: Int64, at pull: Timestamp, hedge: Timestamp, then: @escaping Completion<Void>)
    func note(_ error: String, of bundle: Int64, then: @escaping Completion<Void>)

    /// Books the ends of lines and what becomes of their jobs; a line that has its end already is left alone. The first result of a job counts.
    func settle(_ bundle: Int64, _ ends: [LineEnd], at now: Timestamp, then: @escaping Completion<[LineOutcome]>)

    /// Sends its jobs on elsewhere; the lines stay open. Gives how many.
    func hedge(_ bundle: Int64, _ how: LineReturn, at now: Timestamp, then: @escaping Completion<Int>)

    /// Ends a bundle by `event`. All its lines must have their ends.
    func close(_ bundle: Int64, by event: BundleState.Event, leftovers: [String], at now: Timestamp, then: @escaping Completion<Bool>)
    func forgetLeftovers(of bundle: Int64, then: @escaping Completion<Void>)

    // MARK: Reading; these block for a read of the database

    func bundle(_ id: Int64) throws(StoreError) -> Bundle?
    /// Those with something left to do, the oldest first.
    func openBundles() throws(StoreError) -> [Bundle]
    func lines(of bundle: Int64) throws(StoreError) -> [BundledLine]
    /// How long the last bundles took that were left to end by themselves, the oldest first.
    func laneTimes() throws(StoreError) -> [LaneTime]
}

package struct GatheredBundle: Sendable {
    /// nil where no job was left to take.
    package var bundle: Bundle?
    package var jobs: [LeasedJob]
    package var overCost: [LeasedJob]

    package init(bundle: Bundle?, jobs: [LeasedJob], overCost: [LeasedJob]) {
        self.bundle = bundle
        self.jobs = jobs
        self.overCost = overCost
    }
}

/// What the end of a line did to its job.
package struct LineOutcome: Sendable {
    /// The id that outside sees.
    package var job: String
    package var result: JobResult?
    /// A worker runs it at this moment, in vain.
    package var wasLeased: Bool

    package init(job: String, result: JobResult?, wasLeased: Bool) {
        self.job = job
        self.result = result
        self.wasLeased = wasLeased
    }
}

/// How long something took on a provider's batch lane.
package struct LaneTime: Sendable {
    package var backend: String
    /// When it was handed over.
    package var begun: Timestamp
    package var took: Duration

    package init(backend: String, begun: Timestamp, took: Duration) {
        self.backend = backend
        self.begun = begun
        self.took = took
    }
}
