import SluiceCore
import SluiceWire

/// The message batch object of Anthropic's API, and the lines of its results.
enum MessageBatchBody {
    static func json(_ batch: Batch) -> [UInt8] {
        let isEnded = batch.status.isTerminal
        var json = JSONFields(capacity: 640)
        json.add("id", batch.id)
        json.add("type", "message_batch")
        json.add("processing_status", isEnded ? "ended" : batch.status == .cancelling ? "canceling" : "in_progress")
        json.add("request_counts", object: self.counts(batch.lines, isEnded: isEnded))
        json.add("ended_at", self.time(batch.times.ended))
        json.add("created_at", self.time(batch.created))
        json.add("expires_at", self.time(batch.deadline))
        json.add("archived_at", String?.none)
        json.add("cancel_initiated_at", self.time(batch.times.cancelling))
        json.add("results_url", isEnded ? "/v1/messages/batches/\(batch.id)/results" : nil)
        return json.object
    }

    /// All but `processing` stay 0 until the whole batch has ended.
    private static func counts(_ lines: Batch.Lines, isEnded: Bool) -> JSONFields {
        var json = JSONFields(capacity: 96)
        json.add("processing", isEnded ? 0 : lines.total)
        json.add("succeeded", isEnded ? lines.done : 0)
        json.add("errored", isEnded ? lines.failed : 0)
        json.add("canceled", isEnded ? lines.cancelled : 0)
        json.add("expired", isEnded ? lines.expired : 0)
        return json
    }

    private static func time(_ instant: Timestamp?) -> String? {
        instant.map { instant in
            let text = instant.description
            return text.hasSuffix("Z") ? text.dropLast() + "+00:00" : text
        }
    }

    static func line(_ result: BatchResult) -> [UInt8] {
        var json = JSONFields(capacity: (result.result?.body.count ?? 0) + 128)
        json.add("custom_id", result.customID)
        json.add("result", object: self.outcome(result))
        return json.object + [0x0A]
    }

    private static func outcome(_ result: BatchResult) -> JSONFields {
        var json = JSONFields(capacity: 256)
        switch result.state {
        case .done:
            json.add("type", "succeeded")
            json.add("message", json: result.result.map { self.oneLine($0.body) })
        case .expired:
            json.add("type", "expired")
        case .cancelled:
            json.add("type", "canceled")
        case .failed, .held, .ready, .leased, .bundled:
            json.add("type", "errored")
            json.add("error", json: self.error(result))
        }
        return json
    }

    /// The backend's own envelope where it spoke Anthropic's language.
    private static func error(_ result: BatchResult) -> [UInt8] {
        if let answer = result.result, let fields = try? ObjectFields(answer.body), fields.value("type")?.text == "error" { return self.oneLine(answer.body) }
        let refusal = Refusal(result.result?.status ?? 500, .upstreamFailed, result.lastError ?? "the request could not be carried out")
        return ErrorBody.json(refusal, dialect: .anthropic, requestID: result.requestID)
    }

    private static func oneLine(_ body: [UInt8]) -> [UInt8] { body.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 } }
}
