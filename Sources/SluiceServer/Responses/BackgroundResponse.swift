import SluiceCore
import SluiceWire

/// The response object of a background response, as it stands.
enum BackgroundResponse {
    /// While it waits or runs, or where it ended without a response.
    ///
    /// - Parameter answer: The error that it got in place of one.
    static func json(_ job: Job, request: [UInt8]?, answer: [UInt8]? = nil) -> [UInt8] {
        let asked = request.flatMap { try? ObjectFields($0) }
        func echo(_ name: String, or other: String = "null") -> [UInt8] { asked?.value(name)?.bytes ?? Array(other.utf8) }
        var json = JSONFields(capacity: 768)
        json.add("id", job.id)
        json.add("object", "response")
        json.add("created_at", Int(job.created.seconds))
        json.add("status", self.status(job.state))
        json.add("background", true)
        json.add("completed_at", Int?.none)
        json.add("error", object: self.error(job, answer))
        json.add("incomplete_details", String?.none)
        json.add("instructions", json: echo("instructions"))
        json.add("max_output_tokens", json: echo("max_output_tokens"))
        json.add("metadata", json: echo("metadata", or: "{}"))
        json.add("model", job.model)
        json.add("output", json: Array("[]".utf8))
        json.add("parallel_tool_calls", json: echo("parallel_tool_calls", or: "true"))
        json.add("previous_response_id", json: echo("previous_response_id"))
        json.add("temperature", json: echo("temperature", or: "1"))
        json.add("tool_choice", json: echo("tool_choice", or: "\"auto\""))
        json.add("tools", json: echo("tools", or: "[]"))
        json.add("top_p", json: echo("top_p", or: "1"))
        json.add("usage", String?.none)
        return json.object
    }

    private static func status(_ state: JobState) -> String {
        switch state {
        case .held, .ready: "queued"
        case .leased, .bundled: "in_progress"
        case .done: "completed"
        case .failed, .expired: "failed"
        case .cancelled: "cancelled"
        }
    }

    private static func error(_ job: Job, _ answer: [UInt8]?) -> JSONFields? {
        let (code, message): (String, String)
        switch job.state {
        case .failed:
            let error = answer.flatMap { try? ObjectFields($0) }?.value("error").flatMap { try? ObjectFields($0.bytes) }
            code = error?.value("code")?.text ?? "server_error"
            message = error?.value("message")?.text ?? job.lastError ?? "the response could not be made"
        case .expired: (code, message) = ("deadline_exceeded", "the response could not be made before its completion window was over")
        case .held, .ready, .leased, .bundled, .done, .cancelled: return nil
        }
        var json = JSONFields(capacity: 96)
        json.add("code", code)
        json.add("message", message)
        return json
    }

    /// The backend's answer under the id that the client knows; nil where it is no response.
    static func json(_ job: Job, answer: [UInt8]) -> [UInt8]? {
        answer.withUnsafeBytes { bytes -> [UInt8]? in
            var cursor = JSONCursor(bytes, isLenient: true)
            var id: Range<Int>?
            var background: Range<Int>?
            var isResponse = false
            let isObject: Void? = try? cursor.members { key, cursor throws(JSONFault) in
                cursor.skipSpace()
                let start = cursor.position
                if key.says("object") {
                    isResponse = try cursor.string()?.says("response") == true
                    return
                }
                try cursor.value()
                if key.says("id") { id = start..<cursor.position }
                if key.says("background") { background = start..<cursor.position }
            }
            guard isObject != nil, isResponse, let id else { return nil }
            var splices = [Splice(id, "\"\(job.id)\"" + (background == nil ? ",\"background\":true" : ""))]
            if let background { splices.append(Splice(background, "true")) }
            return Splice.apply(splices.sorted { $0.range.lowerBound < $1.range.lowerBound }, to: bytes)
        }
    }
}
