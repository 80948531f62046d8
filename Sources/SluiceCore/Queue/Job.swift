/// A request that waits, or waited: deferred work of every wire format.
package struct Job: Sendable {
    package enum Kind: Int, Sendable {
        /// Answered 202 and polled under `/v1/jobs`.
        case async = 0
        /// The client keeps its connection open.
        case held = 1
        case batchLine = 2
        case messageBatchEntry = 3
        case background = 4
        /// Asks the original what a substitute has answered; nobody waits for it, and no tenant sees it.
        case verification = 5
    }

    /// What outside sees: `job_…`.
    package var id: String
    package var requestID: String
    package var kind: Kind
    package var state: JobState
    package var batchID: String?
    package var line: Int?
    package var customID: String?
    package var tenant: String
    package var key: String?
    package var trafficClass: String
    package var route: String
    package var endpoint: Endpoint
    /// The model that was asked for, and the one that is sent after substitutions; by their names in the policy.
    package var model: String
    package var sentModel: String
    package var created: Timestamp
    /// nil for `deadline: none`.
    package var deadline: Timestamp?
    package var notBefore: Timestamp
    package var promoteAt: Timestamp?
    /// The name of the pool.
    package var promoteTo: String?
    /// 0 in its class's own pools, 1 once it was promoted, ``offLanes`` in the class's own pools but for providers' batches, ``onOriginal``.
    package var rung = 0
    /// Upstream calls so far.
    package var attempts = 0
    package var tries = Tries()
    package var maxCost: Money?
    package var estimatedCost: Money?
    /// Tokens of the answer and the prompt that are expected: what a backend's capacity is planned with.
    package var estimatedTokens = 0
    /// Of equally urgent jobs, those that share the beginning of their prompt run one after the other: see ``PrefixTurn/place(_:input:output:)``.
    package var prefix: UInt64 = 0
    /// The provider's batch that it is in; known to those who read the queue only.
    package var bundle: InBundle?
    /// Where its request stands, for a line of a batch; nil where the request is kept with the job.
    package var source: LineSource?
    package var finished: Timestamp?
    /// The status of the answer once there is one.
    package var resultStatus: Int?
    /// Why it failed or was put back, in words for the operator.
    package var lastError: String?

    /// The rung of jobs that no provider's batch may have (again).
    package static let offLanes = 2
    /// The rung of verifications: they run where the original is served (``PolicySet/pools(ofOriginal:for:on:)``), whatever their class has.
    package static let onOriginal = 3

    package init(
        id: String, requestID: String, kind: Kind, tenant: String, key: String?, trafficClass: String, route: String, endpoint: Endpoint,
        model: String, sentModel: String, created: Timestamp, deadline: Timestamp?, notBefore: Timestamp
    ) {
        self.id = id
        self.requestID = requestID
        self.kind = kind
        self.state = notBefore > created ? .held : .ready
        self.tenant = tenant
        self.key = key
        self.trafficClass = trafficClass
        self.route = route
        self.endpoint = endpoint
        self.model = model
        self.sentModel = sentModel
        self.created = created
        self.deadline = deadline
        self.notBefore = notBefore
    }

    /// The provider's own batch that has a line of the job.
    package struct InBundle: Hashable, Sendable {
        /// ``Bundle/token``: the provider's file and metadata bear it.
        package var token: String
        package var backend: String
        /// The provider's own name of the batch, once it has one.
        package var batch: String?

        package init(token: String, backend: String, batch: String?) {
            self.token = token
            self.backend = backend
            self.batch = batch
        }
    }

    /// Calls that came to nothing since the job was last armed. Refusals and calls that were never sent are none: they cost nobody anything.
    package struct Tries: Hashable, Sendable {
        package var failures = 0
        /// Those among them that may have been carried out.
        package var doubts = 0

        package init() {}

        /// - Parameter ends: How calls of the job ended.
        package func adding(_ ends: [LedgerEntry]) -> Tries {
            var tries = self
            for end in ends {
                switch end.settlement?.outcome {
                case .unknown, .timeout, .truncated:
                    tries.failures += 1
                    tries.doubts += 1
                case .clientGone where end.kind == .waste:
                    // Dropped by a process that was stopped, after it was sent.
                    tries.failures += 1
                    tries.doubts += 1
                case .upstreamError:
                    tries.failures += 1
                case .ok, .clientGone, .refused, .notSent, .superseded, nil:
                    break
                }
            }
            return tries
        }
    }

    /// Jobs of one tenant that compete for the same backends: one queue each inside the dispatcher.
    package struct Lane: Hashable, Sendable {
        package var tenant: String
        package var trafficClass: String
        package var sentModel: String
        package var endpoint: Endpoint
        package var rung: Int

        package init(tenant: String, trafficClass: String, sentModel: String, endpoint: Endpoint, rung: Int) {
            self.tenant = tenant
            self.trafficClass = trafficClass
            self.sentModel = sentModel
            self.endpoint = endpoint
            self.rung = rung
        }
    }

    package var lane: Lane {
        Lane(tenant: self.tenant, trafficClass: self.trafficClass, sentModel: self.sentModel, endpoint: self.endpoint, rung: self.rung)
    }

    /// Takes from its request what it is paced and ordered by in the queue.
    ///
    /// - Parameter prefix: A hash over the beginning of the prompt.
    package mutating func measure(_ request: InferenceRequest, prefix: UInt64) {
        let output = (request.maxTokens ?? RoutePlanner.usualOutput) * request.choices
        self.estimatedTokens = request.inputTokens + output
        self.prefix = PrefixTurn.place(prefix, input: request.inputTokens, output: output)
    }

    /// The quantised deadline: jobs of one bucket count as equally urgent, so that prefixes can be grouped inside it (`queue.md` 10.2).
    package var bucket: Timestamp {
        guard let deadline else { return .distantFuture }
        let window = (deadline - self.created).milliseconds
        // A short window must not be rounded away.
        let size = max(1, min(max(window / 64, min(30_000, window / 4)), 900_000))
        return Timestamp(milliseconds: deadline.milliseconds / size * size)
    }
}

/// The call as it will be sent: everything of the client's request that must survive the wait.
package struct StoredCall: Sendable {
    /// What classification and pricing knew of it.
    package var request: InferenceRequest
    /// Client headers that go upstream, as complete lines with CR LF.
    package var fields: [UInt8]
    package var body: [UInt8]
    package var clientRequestID: String?

    package init(request: InferenceRequest, fields: [UInt8], body: [UInt8], clientRequestID: String?) {
        self.request = request
        self.fields = fields
        self.body = body
        self.clientRequestID = clientRequestID
    }
}

/// The answer that a job has for good.
package struct JobResult: Sendable {
    package var status: Int
    package var contentType: String
    package var body: [UInt8]
    /// A response that says of itself that it was cut short (`status: incomplete`): its webhook is another one.
    package var isIncomplete = false
    /// Header lines of Sluice's own, such as `sluice-route`, each with CR LF. Of lines of a batch they are not stored.
    package var lines: [UInt8] = []
    /// Why there is no backend's answer: Sluice's own words; nil where a backend answered.
    package var refusal: Reason?

    /// A ``Refusal`` as far as it is stored.
    package struct Reason: Hashable, Sendable {
        package var code: Refusal.Code
        package var message: String

        package init(code: Refusal.Code, message: String) {
            self.code = code
            self.message = message
        }

        package init(_ refusal: Refusal) {
            self.init(code: refusal.code, message: refusal.message)
        }
    }

    package init(status: Int, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }
}

/// The right to run a job once. A lease that is no longer the current one changes nothing any more.
package struct Lease: Hashable, Sendable {
    package let job: Int64
    /// Counts the leases of this job.
    package let number: Int
    /// The start of the process that holds it.
    package let owner: Int64

    package init(job: Int64, number: Int, owner: Int64) {
        self.job = job
        self.number = number
        self.owner = owner
    }
}

package struct LeasedJob: Sendable {
    package var lease: Lease
    package var job: Job
    /// nil where the job has a ``Job/source``: then its request is read there.
    package var call: StoredCall?
    /// The ``Batch/maxCost`` of its batch is used up: it is to be ended without being run.
    package var isOverCost = false

    package init(lease: Lease, job: Job, call: StoredCall?) {
        self.lease = lease
        self.job = job
        self.call = call
    }
}
