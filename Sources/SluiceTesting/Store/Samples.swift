package import SluiceCore

/// Entries and jobs for tests, complete and distinct.
package enum Sample {
    /// A Wednesday evening.
    package static let now = Timestamp(rfc3339: "2026-11-25T21:15:00Z") ?? .distantPast

    package static func subject(
        _ requestID: String, tenant: String = "default", key: String? = "ci", trafficClass: String = "live", tags: [String: String] = [:],
        jobID: String? = nil, serve: TrafficClass.Serve = .now
    ) -> LedgerEntry.Subject {
        LedgerEntry.Subject(
            requestID: requestID, jobID: jobID, tenant: tenant, key: key, trafficClass: trafficClass, route: "routes[0]", model: "chat", serve: serve,
            tierRequested: nil, policy: "9f3c1a", tags: tags, currency: "USD")
    }

    package static let target = LedgerEntry.Target(pool: "premium", backend: "premium", backendModel: "gpt-large", rateCard: "a1b2c3d4")

    /// What is written before an attempt leaves.
    package static func intent(_ subject: LedgerEntry.Subject, attempt: Int = 1, at: Timestamp = now, bound: Money? = Money("0.05")) -> AttemptIntent {
        let entry = LedgerEntry(kind: .intent, at: at, subject: subject, attempt: attempt, target: self.target, estimate: Money("0.004"))
        return AttemptIntent(entry: entry, bound: bound)
    }

    /// An answered attempt.
    package static func settled(
        _ subject: LedgerEntry.Subject, attempt: Int = 1, at: Timestamp = now, cost: Money? = Money("0.00276"), baseline: Money? = Money("0.004")
    ) -> LedgerEntry {
        var entry = LedgerEntry(kind: .settled, at: at, subject: subject, attempt: attempt, target: self.target, estimate: Money("0.004"))
        var end = LedgerEntry.Settlement(outcome: .ok, status: 200, evidence: cost == nil ? .unpriced : .computed)
        end.usage = TokenUsage(input: 60, cachedInput: 40, output: 20, reasoning: 3)
        var prices = PerTokenClass<UnitPrice?>(repeating: nil)
        prices.input = UnitPrice(perMillion: "2.5")
        prices.output = UnitPrice(perMillion: "10")
        end.unitPrices = UnitPrices(prices)
        end.cost = cost
        end.costLow = cost
        end.costHigh = cost
        end.baseline = baseline
        if let cost, let baseline { end.levers = LedgerEntry.Levers(model: baseline - cost, backend: .zero, lane: .zero, window: .zero, cache: .zero) }
        end.modelServed = "gpt-large-2026-05-01"
        end.tierServed = "default"
        end.upstreamID = "chatcmpl-\(subject.requestID)-\(attempt)"
        end.firstToken = .milliseconds(312)
        end.total = .milliseconds(1840)
        entry.settlement = end
        return entry
    }

    package static func job(
        _ id: String, tenant: String = "default", trafficClass: String = "batch", deadline: Timestamp? = now + .seconds(86_400),
        notBefore: Timestamp = now, model: String = "chat"
    ) -> Job {
        Job(
            id: id, requestID: "req_\(id)", kind: .async, tenant: tenant, key: "ci", trafficClass: trafficClass, route: "evals", endpoint: .chat, model: model,
            sentModel: model, created: now, deadline: deadline, notBefore: notBefore)
    }

    package static func call(_ text: String = "hi", tenant: String = "default") -> StoredCall {
        var request = InferenceRequest(endpoint: .chat, tenant: tenant, model: "chat")
        request.key = "ci"
        request.maxTokens = 60
        request.tags = ["job": "eval"]
        request.consent = .respondAsync(wait: .seconds(10))
        return StoredCall(
            request: request, fields: Array("traceparent: 00-1\r\n".utf8), body: Array("{\"messages\":\"\(text)\"}".utf8), clientRequestID: "mine-1")
    }

    package static func batch(
        _ id: String = "batch_1", wire: Batch.Wire = .openAI, tenant: String = "default", file: String = "file-in", deadline: Timestamp = now + .seconds(3600)
    ) -> Batch {
        var batch = Batch(
            id: id, wire: wire, tenant: tenant, key: "ci", endpoint: .chat, inputFile: file, outputFile: "file-out-\(id)", errorFile: "file-err-\(id)",
            window: "1h", created: now, deadline: deadline)
        batch.onDeadline = .expire
        batch.maxCost = Money("3.5")
        batch.metadata = Array("{\"team\":\"evals\"}".utf8)
        batch.tags = ["team": "\"evals\""]
        return batch
    }

    /// Line `n` of a batch, as long as ``lineLength``.
    package static func line(
        _ n: Int, of batch: Batch, model: String = "chat", deadline: Timestamp? = nil, result: JobResult? = nil
    ) -> BatchLine {
        var job = self.job("job_\(batch.id)_\(n)", tenant: batch.tenant, deadline: deadline ?? batch.deadline, model: model)
        job.kind = batch.wire == .openAI ? .batchLine : .messageBatchEntry
        job.line = n
        job.customID = "line \(n)"
        job.estimatedTokens = 100
        return BatchLine(
            job: job, source: LineSource(file: batch.inputFile, offset: (n - 1) * self.lineLength, length: self.lineLength), result: result)
    }

    package static let lineLength = 64

    package static func file(
        _ id: String = "file-in", tenant: String = "default", purpose: StoredFile.Purpose = .batch, bytes: Int, sha256: [UInt8], expires: Timestamp? = nil
    ) -> StoredFile {
        StoredFile(
            id: id, tenant: tenant, purpose: purpose, name: "evals.jsonl", bytes: bytes, sha256: sha256, created: now, expires: expires)
    }

    package static func answer(_ key: String = "k-1", scope: String = "ci", status: Int = 200, at: Timestamp = now) -> KeptAnswer {
        KeptAnswer(
            key: KeptAnswer.Key(scope: scope, key: key), fingerprint: [UInt8](repeating: 7, count: 32), at: at, status: status,
            lines: Array("location: /v1/jobs/job_1\r\n".utf8), body: Array("{\"id\":\"job_1\"}".utf8))
    }

    package static func endpoint(
        _ id: String = "we_1", tenant: String = "default", events: [WebhookEvent] = WebhookEvent.allCases
    ) -> WebhookEndpoint {
        WebhookEndpoint(
            id: id, tenant: tenant, name: "ops", url: "https://example.test/hook", events: events,
            secrets: [
                WebhookEndpoint.Secret(bytes: [UInt8](repeating: 1, count: 24), expires: nil),
                WebhookEndpoint.Secret(bytes: [UInt8](repeating: 2, count: 32), expires: now + .seconds(86_400)),
            ],
            created: now)
    }
}
