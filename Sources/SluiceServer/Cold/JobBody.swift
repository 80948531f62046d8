import SluiceCore

/// The job object of `/v1/jobs` (`contract.md`, Deferred work).
enum JobBody {
    static func json(_ job: Job) -> [UInt8] {
        var json: [UInt8] = []
        func text(_ value: String?) {
            if let value { json.append(jsonString: value) } else { json.append(text: "null") }
        }
        json.append(text: "{\"id\":")
        text(job.id)
        json.append(text: ",\"object\":\"job\",\"status\":")
        text(job.state.name)
        json.append(text: ",\"class\":")
        text(job.trafficClass)
        json.append(text: ",\"model\":")
        text(job.model)
        json.append(text: ",\"request_id\":")
        text(job.requestID)
        json.append(text: ",\"created\":")
        text(job.created.description)
        json.append(text: ",\"deadline\":")
        text(job.deadline?.description)
        json.append(text: ",\"not_before\":")
        text(job.notBefore.description)
        json.append(text: ",\"finished\":")
        text(job.finished?.description)
        json.append(text: ",\"estimate\":{\"cost\":")
        text(job.estimatedCost?.description)
        json.append(text: ",\"finish\":")
        text(self.expectedFinish(job)?.description)
        json.append(text: ",\"risk\":null}}")
        return json
    }

    /// The value of `Sluice-Quote`; nil where nothing can be said.
    static func quote(_ job: Job, currency: String) -> String? {
        guard let cost = job.estimatedCost else { return nil }
        let finish = self.expectedFinish(job).map { ";finish=\"\($0)\"" } ?? ""
        return "\(cost);currency=\(currency)\(finish)"
    }

    /// When the answer is expected: soon after it may run, and by its deadline.
    private static func expectedFinish(_ job: Job) -> Timestamp? {
        job.finished ?? job.deadline.map { min($0, job.notBefore + .seconds(60)) }
    }

    /// Seconds after which it is worth asking again, at most a minute.
    static func retryAfter(_ job: Job, at now: Timestamp) -> Int {
        guard job.notBefore > now else { return 1 }
        return Int(min(60, max(1, (job.notBefore - now).milliseconds / 1000)))
    }
}
