import NIOPosix
import SluiceCore
import SluiceWire

/// The mix of traffic that the demo sends through the real HTTP API: people who talk, people who read, and work that can wait.
struct DemoTraffic: Sendable {
    /// What became of one request, as its client saw it.
    struct Outcome: Sendable {
        var what: String
        var trafficClass: String
        var backend: String
        var firstToken: Duration?
        var total: Duration
        var cost: String?
        /// Given for work that waits: where its answer will be.
        var job: String?
        var requestID: String?
        var problem: String?
    }

    let client: LoopbackClient
    let admin: LoopbackClient
    let now: @Sendable () -> MonotonicInstant

    /// A voice assistant: streamed, and its first word must come soon.
    func voice(_ number: Int) throws -> Outcome {
        try self.stream("voice", "Answer in one sentence, please: what does a sluice gate do? (\(number))", headers: [("x-surface", "voice")])
    }

    /// A person who reads along.
    func chat(_ number: Int) throws -> Outcome {
        try self.stream("chat", String(repeating: "Explain how a canal lock works, step by step. ", count: 6) + "(\(number))", headers: [])
    }

    /// Work that waits for the night: answered with a job.
    func patient(_ number: Int) throws -> Outcome {
        let text = String(repeating: "Summarise this page of the logbook of the lock keeper. ", count: 20) + "(\(number))"
        let started = self.now()
        let answer = try self.client.send("POST", "/v1/chat/completions", headers: [("prefer", "respond-async")], body: self.body(text, stream: false))
        var outcome = Outcome(what: "patient", trafficClass: "batch", backend: "queue", firstToken: nil, total: self.now() - started)
        outcome.requestID = answer.headers["x-request-id"]
        guard answer.status == 202, let location = answer.headers["location"] else {
            outcome.problem = "answered \(answer.status): \(String(decoding: answer.body.prefix(200), as: UTF8.self))"
            return outcome
        }
        outcome.job = location
        return outcome
    }

    /// Whether a job is done; what it cost and where it ran comes from the ledger.
    func finished(_ waiting: Outcome) throws -> Outcome? {
        guard let job = waiting.job, let id = waiting.requestID else { return nil }
        let answer = try self.client.send("GET", job)
        guard answer.status != 202 else { return nil }
        var outcome = waiting
        if answer.status != 200 { outcome.problem = "answered \(answer.status)" }
        let past = try self.admin.send("GET", "/api/requests/\(id)")
        let facts = DemoTraffic.lastAttempt(past.body)
        outcome.backend = facts.backend ?? "?"
        outcome.cost = facts.cost
        return outcome
    }

    private func stream(_ what: String, _ text: String, headers: [(String, String)]) throws -> Outcome {
        let started = self.now()
        var firstToken: Duration?
        let answer = try self.client.send("POST", "/v1/chat/completions", headers: headers, body: self.body(text, stream: true)) { _ in
            if firstToken == nil { firstToken = self.now() - started }
        }
        let route = answer.headers["sluice-route"] ?? ""
        func part(_ name: String) -> String? {
            route.split(separator: ";").first { $0.hasPrefix(name + "=") }.map { $0.dropFirst(name.count + 1).filter { $0 != "\"" } }
        }
        var outcome = Outcome(
            what: what, trafficClass: route.split(separator: ";").first.map(String.init) ?? "?", backend: part("backend") ?? "?", firstToken: firstToken,
            total: self.now() - started)
        if part("attempt").map({ $0 != "1" }) ?? false { outcome.backend += " (2nd try)" }
        outcome.cost = DemoTraffic.costInStream(answer.body)
        if answer.status != 200 { outcome.problem = "answered \(answer.status)" }
        return outcome
    }

    private func body(_ text: String, stream: Bool) -> [UInt8] {
        var json: [UInt8] = []
        json.append(text: "{\"model\":\"chat\",\"max_tokens\":120,\"stream\":\(stream),")
        if stream { json.append(text: "\"stream_options\":{\"include_usage\":true},") }
        json.append(text: "\"messages\":[{\"role\":\"user\",\"content\":")
        json.append(jsonString: text)
        json.append(text: "}]}")
        return json
    }

    /// The cost that stands beside the usage in a stream's last chunk.
    private static func costInStream(_ body: [UInt8]) -> String? {
        let text = String(decoding: body, as: UTF8.self)
        guard let note = text.split(separator: "\"sluice\":{\"cost\":\"").dropFirst().last else { return nil }
        return String(note.prefix { $0 != "\"" })
    }

    private static func lastAttempt(_ body: [UInt8]) -> (backend: String?, cost: String?) {
        var backend: String?
        var cost: String?
        body.withUnsafeBytes { bytes in
            var cursor = JSONCursor(bytes)
            try? cursor.members { key, cursor throws(JSONFault) in
                guard key.says("attempts") else {
                    try cursor.value()
                    return
                }
                try cursor.elements { cursor throws(JSONFault) in
                    try cursor.members { key, cursor throws(JSONFault) in
                        if key.says("backend") {
                            backend = try cursor.string()?.decoded
                        } else if key.says("cost") {
                            cost = try cursor.string()?.decoded
                        } else {
                            try cursor.value()
                        }
                    }
                }
            }
        }
        return (backend, cost)
    }
}
