/// Lines of one backend, one upstream model and one endpoint on their way through a provider's own batch.
package struct Bundle: Sendable {
    package var id: Int64
    /// What the provider knows it by: the name of its file, its metadata, the beginning of every line's custom id.
    package var token: String
    package var backend: String
    /// The backend's own name of the model.
    package var model: String
    package var endpoint: Endpoint
    package var state = BundleState.building
    /// The provider's names of the file that was uploaded and of the batch.
    package var file: String?
    package var batch: String?
    /// Lines that have no end yet, and of these those whose jobs still wait for it.
    package var lines = 0
    package var running = 0
    package var created: Timestamp
    package var submitted: Timestamp?
    /// When the provider is to be asked to stop, so that what is left is in time elsewhere; nil where there is no elsewhere.
    package var pullAt: Timestamp?
    /// When the jobs go on elsewhere, whatever the provider says.
    package var hedgeAt: Timestamp?
    /// Files of the provider's that are to be deleted.
    package var leftovers: [String] = []
    package var lastError: String?

    package init(id: Int64 = 0, token: String, backend: String, model: String, endpoint: Endpoint, created: Timestamp) {
        self.id = id
        self.token = token
        self.backend = backend
        self.model = model
        self.endpoint = endpoint
        self.created = created
    }

    package var fileName: String { "sluice-\(self.token).jsonl" }

    /// The custom id of a job's line: `s`, the token, and the number of the job in base 32.
    package func customID(of job: Int64) -> String { "s\(self.token)\(String(job, radix: 32))" }

    /// The job of a line; nil where the line is none of this bundle.
    package func job(ofCustomID id: String) -> Int64? {
        let prefix = "s\(self.token)"
        guard id.hasPrefix(prefix), let job = Int64(id.dropFirst(prefix.count), radix: 32), job > 0, self.customID(of: job) == id else { return nil }
        return job
    }
}

/// A line that has no end yet, with what its intent says.
package struct BundledLine: Sendable {
    /// The number of its job, which may be gone meanwhile.
    package var job: Int64
    /// nil where the job was erased.
    package var leased: LeasedJob?
    package var intent: AttemptIntent
    /// The job still waits for this line.
    package var isCurrent: Bool

    package init(job: Int64, leased: LeasedJob?, intent: AttemptIntent, isCurrent: Bool) {
        self.job = job
        self.leased = leased
        self.intent = intent
        self.isCurrent = isCurrent
    }
}

/// How a line ends, and what becomes of its job.
package struct LineEnd: Sendable {
    package enum Fate: Sendable {
        case complete(JobState, JobResult)
        /// It goes on elsewhere, off the lanes or not.
        case back(LineReturn)
    }

    package var job: Int64
    /// The one end of its attempt.
    package var entry: LedgerEntry
    package var fate: Fate
    /// Stored with the line's answer, where that is the one of its job.
    package var verification: VerificationOrder?

    package init(job: Int64, entry: LedgerEntry, fate: Fate) {
        self.job = job
        self.entry = entry
        self.fate = fate
    }
}

/// How a job goes back to the queue.
package struct LineReturn: Sendable {
    package var reason: String
    /// It is not for a lane again.
    package var isOffLanes: Bool
    package var notBefore: Timestamp?

    package init(_ reason: String, isOffLanes: Bool, notBefore: Timestamp? = nil) {
        self.reason = reason
        self.isOffLanes = isOffLanes
        self.notBefore = notBefore
    }
}
