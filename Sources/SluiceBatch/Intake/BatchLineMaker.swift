import SluiceCore
import SluiceDispatch
import SluiceWire

/// Makes the job of a line: classified by the policy in force as any request, with what its batch says of deadline, cost and tags.
struct BatchLineMaker {
    private let live: LivePolicy
    private let batch: Batch
    private let tenant: Tenant
    private let now: Timestamp
    private var ids = RequestIDs()

    init(_ batch: Batch, _ live: LivePolicy, at now: Timestamp) {
        self.live = live
        self.batch = batch
        self.now = now
        self.tenant = live.policy.tenants.first { $0.name == batch.tenant } ?? live.policy.defaultTenant
    }

    /// A line as it will be stored, with what was understood of its request.
    struct Draft {
        var line: BatchLine
        var request: InferenceRequest
    }

    /// - Parameter line: Bytes whose shape was found good.
    /// - Throws: What of the request's own shape is wrong.
    mutating func draft(_ line: UnsafeRawBufferPointer, _ place: FileLines.Place) throws(BatchFault) -> Draft {
        let shape = try BatchLineFields(line, endpoint: self.batch.endpoint)
        let body = UnsafeRawBufferPointer(rebasing: line[shape.body])
        let fields = try shape.request(in: line, for: self.batch.endpoint)
        var request = InferenceRequest(fields, endpoint: self.batch.endpoint, tenant: self.batch.tenant)
        request.key = self.batch.key
        request.consent = .batch
        request.tags.merge(self.batch.tags) { line, _ in line }
        request.wishes.deadline = .at(self.batch.deadline)
        request.wishes.maxCost = [fields.maxCost, self.batch.maxCost].compactMap { $0 }.min()
        let source = LineSource(file: self.batch.inputFile, offset: place.offset, length: place.length)
        do throws(Refusal) {
            let decision = try self.live.classify(request, tenant: self.tenant, at: self.now)
            return Draft(
                line: BatchLine(job: self.job(shape, request, decision, place, prefix: fields.prefixHash(in: body)), source: source, result: nil),
                request: request)
        } catch {
            var job = self.blank(shape, request, place)
            job.lastError = error.message
            let json = ErrorBody.json(error, dialect: self.batch.endpoint.dialect, requestID: job.requestID)
            var result = JobResult(status: error.status, contentType: "application/json", body: json)
            result.refusal = .init(error)
            return Draft(line: BatchLine(job: job, source: source, result: result), request: request)
        }
    }

    private mutating func blank(_ shape: BatchLineFields, _ request: InferenceRequest, _ place: FileLines.Place) -> Job {
        var job = Job(
            id: self.ids.next("job_", at: self.now.milliseconds), requestID: self.ids.next("req_", at: self.now.milliseconds),
            kind: self.batch.wire == .messages ? .messageBatchEntry : .batchLine, tenant: self.batch.tenant, key: self.batch.key, trafficClass: "",
            route: "", endpoint: self.batch.endpoint, model: request.model, sentModel: request.model, created: self.batch.created,
            deadline: self.batch.deadline, notBefore: self.now)
        job.batchID = self.batch.id
        job.line = place.number
        job.customID = shape.customID
        return job
    }

    private mutating func job(
        _ shape: BatchLineFields, _ request: InferenceRequest, _ decision: Decision, _ place: FileLines.Place, prefix: UInt64
    ) -> Job {
        let policy = self.live.policy
        var job = self.blank(shape, request, place)
        job.trafficClass = policy.classes[decision.trafficClass].name
        job.route = policy.routes[decision.route].displayName
        job.sentModel = policy.models[decision.model].name
        job.maxCost = decision.maxCost
        job.estimatedCost = self.live.estimate(request, decision, at: self.now)
        job.measure(request, prefix: prefix)
        guard let wait = decision.wait else { return job }
        job.notBefore = wait.notBefore
        job.state = wait.notBefore > self.now ? .held : .ready
        if self.batch.onDeadline != .expire {
            job.promoteAt = wait.promoteAt
            job.promoteTo = wait.promoteTo.map { policy.pools[$0].name }
        }
        return job
    }
}
