/// Batches on disk, beside the jobs that are their lines. Writes are as durable as those of ``JobStore``, and their callbacks come from a thread
/// of the store's.
///
/// The ends of lines (`JobStore.complete`, `expire`, `cancel`, `putBack`) keep the batch's counters, usage and cost, end the batch with its last
/// line, and queue the webhooks of its end, all in their own transaction.
package protocol BatchStore: Sendable {
    typealias Completion<Value> = @Sendable (Result<Value, StoreError>) -> Void

    /// Stores a batch in `validating`, with the answer under its idempotency key where there is one.
    func create(_ batch: Batch, answer: KeptAnswer?, then: @escaping Completion<Void>)

    /// Ends a batch whose file cannot be run; false where it is no longer validating.
    func refuse(_ id: String, faults: [BatchFault], at now: Timestamp, then: @escaping Completion<Bool>)

    /// Begins a batch whose file was found good, with so many lines to come; false where it is no longer validating.
    func begin(_ id: String, total: Int, quote: Batch.Quote?, at now: Timestamp, then: @escaping Completion<Bool>)

    /// Stores a run of lines. What was stored before is left as it is, so a run may be handed in again. Those of a batch that is being cancelled
    /// are stored as cancelled, so that its counts and its error file come out whole. False where the batch is over.
    func add(_ lines: [BatchLine], to id: String, at now: Timestamp, then: @escaping Completion<Bool>)

    /// Stops a batch: what waits ends as `cancelled`, a part at a time; nothing of it is leased from now on. Gives the batch, and the jobs whose
    /// calls in flight must be dropped and ended by their workers; nil where there is no such batch. An ended one stays as it is.
    func cancelBatch(_ id: String, tenant: String?, at now: Timestamp, then: @escaping Completion<(batch: Batch, running: [String])?>)

    /// Does another part of what is too much for one transaction: ends what waits in batches that are being cancelled, arms lines of those that
    /// are retried, deletes those of erased ones. Gives how many lines; to be called again until there are none.
    func sweepBatches(at now: Timestamp, then: @escaping Completion<Int>)

    func pause(_ id: String, _ isPaused: Bool, tenant: String?, then: @escaping Completion<Batch?>)

    /// Arms the failed, expired and cancelled lines of an ended batch again, a part at a time, with as much time as the batch had at first. Fails
    /// where its input file was deleted.
    func retryBatch(_ id: String, tenant: String?, at now: Timestamp, then: @escaping Completion<Batch?>)

    /// Deletes an ended batch with its lines and results; false where there is none that has ended.
    func eraseBatch(_ id: String, tenant: String?, at now: Timestamp, then: @escaping Completion<Bool>)

    /// Deletes the output or the error file: the answers in it. False where there is no such batch, or it goes on.
    func eraseFile(_ side: BatchSide, of id: String, tenant: String?, at now: Timestamp, then: @escaping Completion<Bool>)

    // MARK: Reading, which blocks

    func batch(_ id: String, tenant: String?) throws(StoreError) -> Batch?
    /// The batch of an output or error file, whether or not it was deleted.
    func batch(ofFile id: String, tenant: String?) throws(StoreError) -> (batch: Batch, side: BatchSide)?
    /// Newest first. nil where a cursor names nothing that this tenant has.
    func batches(_ wire: Batch.Wire, tenant: String?, page: PageRequest) throws(StoreError) -> Page<Batch>?
    /// Batches that a process left while it checked their file or stored their lines, with the number of the last line stored.
    func unfinishedIntakes() throws(StoreError) -> [(batch: Batch, lastLine: Int)]
    /// The results of one side, in the order in which they came, after the result `after`.
    func results(of id: String, _ side: BatchSide, after: Int64, limit: Int) throws(StoreError) -> [BatchResult]
}

/// The two files of a batch.
package enum BatchSide: Sendable {
    case output
    /// Failed, expired and cancelled lines.
    case errors
    /// Both, for the results of a message batch.
    case all
}

/// One line of an input file, ready to be stored.
package struct BatchLine: Sendable {
    package var job: Job
    /// Where its request stands in the batch's input file.
    package var source: LineSource
    /// Given where the line failed before it could be queued (a model that is unknown or not allowed).
    package var result: JobResult?

    package init(job: Job, source: LineSource, result: JobResult?) {
        self.job = job
        self.source = source
        self.result = result
    }
}

/// The bytes of a request inside a stored file.
package struct LineSource: Hashable, Sendable {
    package var file: String
    package var offset: Int
    package var length: Int

    package init(file: String, offset: Int, length: Int) {
        self.file = file
        self.offset = offset
        self.length = length
    }
}

/// How one line ended.
package struct BatchResult: Sendable {
    /// Rises with every result of the batch; a cursor for ``BatchStore/results(of:_:after:limit:)``.
    package var sequence: Int64
    package var jobID: String
    package var requestID: String
    package var customID: String
    package var state: JobState
    /// nil for lines that were never answered.
    package var result: JobResult?
    package var lastError: String?

    package init(
        sequence: Int64, jobID: String, requestID: String, customID: String, state: JobState, result: JobResult?, lastError: String?
    ) {
        self.sequence = sequence
        self.jobID = jobID
        self.requestID = requestID
        self.customID = customID
        self.state = state
        self.result = result
        self.lastError = lastError
    }
}
