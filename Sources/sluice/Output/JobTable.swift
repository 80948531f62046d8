import SluiceCore
import SluiceServer

/// Jobs for people.
struct JobTable {
    private let jobs: [Job]
    private let now: Timestamp

    init(_ jobs: [Job], at now: Timestamp) {
        self.jobs = jobs
        self.now = now
    }

    func text(_ style: TextStyle) -> String {
        var table = TextTable([
            .init(title: "job"), .init(title: "status"), .init(title: "class"), .init(title: "tenant"), .init(title: "model"), .init(title: "enqueued"),
            .init(title: "not before"), .init(title: "deadline"), .init(title: "calls", alignment: .right), .init(title: "estimate", alignment: .right),
            .init(title: "bundle"),
        ])
        table.rows = self.jobs.map { job in
            [
                job.id, job.rung == 1 && !job.state.isTerminal ? job.state.name + ", promoted" : job.state.name, job.trafficClass, job.tenant, job.model,
                job.created.distance(from: self.now), job.state == .held ? job.notBefore.distance(from: self.now) : "",
                job.deadline.map { $0.distance(from: self.now) } ?? "none",
                "\(job.attempts)", job.estimatedCost.map(\.description) ?? "", job.bundle?.words ?? "",
            ]
        }
        return table.text(style)
    }
}

extension Job.InBundle {
    /// What an operator looks for at the provider.
    fileprivate var words: String { "\(self.token) at \(self.backend)\(self.batch.map { ", \($0)" } ?? "")" }
}

/// One job with the entries that its calls have in the ledger.
struct JobHistory {
    private let job: Job
    private let entries: [LedgerEntry]
    private let deliveries: [WebhookDelivery]

    init(_ job: Job, rows: [LedgerRow], deliveries: [WebhookDelivery]) {
        self.job = job
        self.deliveries = deliveries
        self.entries = rows.compactMap { try? LedgerLine.read($0.line).entry }
    }

    var json: [UInt8] {
        var json = JSONFields(capacity: 2048)
        json.add("schema", "sluice.job/v1")
        json.add("job_id", self.job.id)
        json.add("request_id", self.job.requestID)
        json.add("batch_id", self.job.batchID)
        json.add("status", self.job.state.name)
        json.add("class", self.job.trafficClass)
        json.add("tenant", self.job.tenant)
        json.add("model", self.job.model)
        json.add("enqueued", self.job.created)
        json.add("not_before", self.job.notBefore)
        json.add("deadline", self.job.deadline?.description)
        json.add("promote_at", self.job.promoteAt?.description)
        json.add("rung", self.job.rung)
        json.add("attempts", self.job.attempts)
        json.add("estimated_cost", self.job.estimatedCost)
        json.add("bundle", object: QueueListing.bundle(self.job.bundle))
        json.add("finished", self.job.finished?.description)
        json.add("result_status", self.job.resultStatus)
        json.add("last_error", self.job.lastError)
        json.add("history", objects: self.entries.map(JobHistory.object))
        json.add("deliveries", objects: self.deliveries.map(BatchListing.fields))
        return json.object
    }

    private static func object(_ entry: LedgerEntry) -> JSONFields {
        var json = JSONFields(capacity: 256)
        json.add("at", entry.at)
        json.add("event", entry.kind.rawValue)
        json.add("attempt", entry.attempt)
        json.add("backend", entry.target?.backend)
        json.add("outcome", entry.settlement?.outcome.rawValue)
        json.add("status", entry.settlement?.status)
        json.add("cost", entry.settlement?.cost)
        json.add("cost_low", entry.settlement?.costLow)
        json.add("cost_high", entry.settlement?.costHigh)
        return json
    }

    func text(_ style: TextStyle) -> String {
        let job = self.job
        var facts = [
            ("job", job.id), ("status", job.state.name + (job.resultStatus.map { ", answered \($0)" } ?? "")), ("class", job.trafficClass),
            ("tenant", job.tenant),
            ("model", job.model), ("enqueued", job.created.words), ("deadline", job.deadline?.words ?? "none"),
        ]
        if job.state == .held { facts.append(("not before", job.notBefore.words)) }
        if let promote = job.promoteAt {
            facts.append((job.rung == 1 ? "promoted" : "promotion", "\(promote.words)\(job.promoteTo.map { " to \($0)" } ?? "")"))
        }
        if let bundle = job.bundle { facts.append(("bundle", bundle.words)) }
        if let finished = job.finished { facts.append(("finished", finished.words)) }
        if let error = job.lastError { facts.append(("last error", error)) }
        let width = facts.map(\.0.count).max() ?? 0
        var text = facts.map { style.dim($0.0 + String(repeating: " ", count: width - $0.0.count)) + "  " + $0.1 + "\n" }.joined()
        if !self.deliveries.isEmpty { text += "\n" + DeliveryTable(deliveries: self.deliveries, now: .now).text(style) }
        guard !self.entries.isEmpty else { return text }
        var table = TextTable([
            .init(title: "call", alignment: .right), .init(title: "at"), .init(title: "backend"), .init(title: "what"), .init(title: "cost", alignment: .right),
        ])
        table.rows = self.entries.map(JobHistory.cells)
        text += "\n" + table.text(style)
        return text
    }

    private static func cells(_ entry: LedgerEntry) -> [String] {
        [entry.attempt.map(String.init) ?? "", entry.at.words, entry.target?.backend ?? "", self.outcome(of: entry), self.cost(of: entry)]
    }

    private static func outcome(of entry: LedgerEntry) -> String {
        guard let end = entry.settlement else { return "begun" }
        let kind = entry.kind == .settled ? "" : entry.kind.rawValue + ", "
        return kind + end.outcome.rawValue + (end.status.map { " \($0)" } ?? "")
    }

    private static func cost(of entry: LedgerEntry) -> String {
        guard let end = entry.settlement else { return "" }
        if let cost = end.cost { return cost.description }
        guard let high = end.costHigh else { return "unpriced" }
        return "\(end.costLow ?? .zero)–\(high)"
    }
}
