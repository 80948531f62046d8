import SluiceCore

/// The job object of `/v1/jobs` (`contract.md`, Deferred work).
enum JobBody {
    /// - Parameter quote: What is expected of it; nil where nothing is to be expected any more.
    static func json(_ job: Job, _ quote: Batch.Quote?) -> [UInt8] {
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
        text((job.finished ?? quote.map(\.finish)).flatMap { $0 < .distantFuture ? $0.description : nil })
        json.append(text: ",\"risk\":")
        json.append(text: quote.map { self.risk($0) } ?? "null")
        json.append(text: "}}")
        return json
    }

    /// The value of `Sluice-Quote`; nil where nothing can be said.
    static func quote(_ quote: Batch.Quote, currency: String) -> String? {
        guard let cost = quote.cost else { return nil }
        let finish = quote.finish < .distantFuture ? ";finish=\"\(quote.finish)\"" : ""
        return "\(cost);currency=\(currency)\(finish);risk=\(self.risk(quote))"
    }

    /// In thousandths, as it is known.
    private static func risk(_ quote: Batch.Quote) -> String { DecimalText.format(Int128((quote.risk * 1000).rounded()), decimals: 3) }

    /// Seconds after which it is worth asking again, at most a minute.
    static func retryAfter(_ job: Job, at now: Timestamp) -> Int {
        guard job.notBefore > now else { return 1 }
        return Int(min(60, max(1, (job.notBefore - now).milliseconds / 1000)))
    }
}
