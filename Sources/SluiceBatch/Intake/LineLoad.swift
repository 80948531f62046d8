import SluiceCore
import SluiceDispatch

/// What many lines of one lane ask for together.
struct LineLoad {
    private(set) var job: Job
    private(set) var request: InferenceRequest
    private(set) var lines = 0
    private var input = 0
    private var output = 0
    /// nil where one line's cost is not known.
    private var cost: Money? = .zero

    /// - Parameters:
    ///   - job: The first of the lines, which is added too.
    init(job: Job, request: InferenceRequest) {
        self.job = job
        self.request = request
    }

    mutating func add(_ job: Job, _ request: InferenceRequest) {
        self.lines += 1
        self.input += request.inputTokens
        self.output += (request.maxTokens ?? RoutePlanner.usualOutput) * request.choices
        self.cost = job.estimatedCost.flatMap { cost in self.cost.map { $0 + cost } }
    }

    /// What the lines are expected to cost together, when the last is done and the chance that it is late.
    func quote(_ outlook: QueueOutlook, _ live: LivePolicy) -> Batch.Quote {
        var (mean, request) = (self.job, self.request)
        request.inputTokens = self.input / max(1, self.lines)
        request.maxTokens = self.output / max(1, self.lines)
        request.choices = 1
        mean.estimatedTokens = (self.input + self.output) / max(1, self.lines)
        mean.estimatedCost = self.cost.map { Money(pico: $0.pico / Int64(max(1, self.lines))) }
        return outlook.quote(mean, request, count: self.lines, live: live)
    }
}

extension Batch.Quote {
    /// What is expected of several parts as one: it is done when the last part is.
    static func sum(_ parts: [Batch.Quote], atMost deadline: Timestamp, from now: Timestamp) -> Batch.Quote {
        parts.reduce(into: Batch.Quote(cost: .zero, finish: now, risk: 0)) { sum, part in
            sum.cost = sum.cost.flatMap { cost in part.cost.map { cost + $0 } }
            sum.finish = min(max(sum.finish, part.finish), deadline)
            sum.risk = max(sum.risk, part.risk)
        }
    }
}
