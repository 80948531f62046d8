package import SluiceCore

/// Jobs as `sluice queue ls` and `/api/queue` print them.
package enum QueueListing {
    package static func json(_ jobs: [Job], hasMore: Bool) -> [UInt8] {
        var json: [UInt8] = []
        json.append(text: "{\"schema\":\"sluice.queue/v1\",\"data\":[")
        json.append(list: jobs.map { self.object($0, isAlone: false) })
        json.append(text: "],\"has_more\":\(hasMore),\"last_id\":")
        json.append(optional: jobs.last?.id)
        json.append(text: "}")
        return json
    }

    /// One job as `sluice queue cancel` and `retry` print it.
    package static func json(_ job: Job) -> [UInt8] { self.object(job, isAlone: true) }

    /// The provider's batch that a job is in.
    package static func bundle(_ bundle: Job.InBundle?) -> JSONFields? {
        guard let bundle else { return nil }
        var json = JSONFields(capacity: 96)
        json.add("name", bundle.token)
        json.add("backend", bundle.backend)
        json.add("provider_batch", bundle.batch)
        return json
    }

    private static func object(_ job: Job, isAlone: Bool) -> [UInt8] {
        var json: [UInt8] = []
        func member(_ name: StaticString, _ value: String?) {
            json.append(text: json.isEmpty ? "{\"\(name)\":" : ",\"\(name)\":")
            json.append(optional: value)
        }
        if isAlone { member("schema", "sluice.job/v1") }
        member("job_id", job.id)
        member("batch_id", job.batchID)
        member("status", job.state.name)
        member("class", job.trafficClass)
        member("tenant", job.tenant)
        member("model", job.model)
        member("enqueued", job.created.description)
        member("not_before", job.notBefore.description)
        member("deadline", job.deadline?.description)
        member("promote_at", job.promoteAt?.description)
        json.append(text: ",\"rung\":\(job.rung),\"attempts\":\(job.attempts)")
        member("estimated_cost", job.estimatedCost?.description)
        json.append(text: ",\"bundle\":")
        json.append(contentsOf: self.bundle(job.bundle)?.object ?? Array("null".utf8))
        json.append(text: "}")
        return json
    }
}
