import SluiceCore

/// Verifications as `sluice verify ls` prints them.
enum VerificationListing {
    static func json(_ page: [Verification], hasMore: Bool) -> [UInt8] {
        var json = JSONFields(capacity: 4096)
        json.add("schema", "sluice.verifications/v1")
        json.add("data", objects: page.map(self.fields))
        json.add("has_more", hasMore)
        json.add("last_id", page.last?.job.id)
        return json.object
    }

    private static func fields(_ verification: Verification) -> JSONFields {
        var json = JSONFields(capacity: 512)
        verification.describe(in: &json)
        var substitute = JSONFields(capacity: 128)
        substitute.add("model", verification.substitute)
        substitute.add("backend", verification.backend)
        substitute.add("status", verification.answer.status)
        json.add("substitute", object: substitute)
        var original = JSONFields(capacity: 128)
        original.add("model", verification.job.model)
        original.add("status", verification.job.resultStatus)
        json.add("original", object: original)
        return json
    }

    static func text(_ page: [Verification], at now: Timestamp, _ style: TextStyle) -> String {
        var table = TextTable([
            .init(title: "request"), .init(title: "job"), .init(title: "status"), .init(title: "class"), .init(title: "tenant"), .init(title: "rule"),
            .init(title: "original"), .init(title: "substitute"), .init(title: "at"), .init(title: "asked"),
        ])
        table.rows = page.map { one in
            [
                one.job.requestID, one.job.id, one.job.state.name, one.job.trafficClass, one.job.tenant, one.rule, one.job.model, one.substitute, one.backend,
                one.job.created.distance(from: now),
            ]
        }
        return table.text(style)
    }
}

/// Both answers to one request, with what the ledger has for them.
struct AnswerComparison {
    private struct Side {
        var model: String
        var backend: String?
        var answer: JobResult?
        var cost: Money?
    }

    private let verification: Verification
    private let substitute: Side
    private let original: Side

    init(_ verification: Verification, original: JobResult?, rows: [LedgerRow]) {
        let ends = rows.compactMap { try? LedgerLine.read($0.line).entry }.filter(\.kind.isEnd)
        func end(isVerification: Bool) -> LedgerEntry? {
            ends.last { $0.settlement?.outcome == .ok && $0.settlement?.flags.contains(.verification) == isVerification }
        }
        let (first, second) = (end(isVerification: false), end(isVerification: true))
        self.verification = verification
        self.substitute = Side(
            model: verification.substitute, backend: verification.backend, answer: verification.answer, cost: first?.settlement?.cost)
        self.original = Side(model: verification.job.model, backend: second?.target?.backend, answer: original, cost: second?.settlement?.cost)
    }

    var json: [UInt8] {
        var json = JSONFields(capacity: 4096)
        json.add("schema", "sluice.verification/v1")
        self.verification.describe(in: &json)
        for (name, side) in [("substitute", self.substitute), ("original", self.original)] as [(StaticString, Side)] {
            var fields = JSONFields(capacity: 1024)
            fields.add("model", side.model)
            fields.add("backend", side.backend)
            fields.add("status", side.answer?.status)
            fields.add("content_type", side.answer?.contentType)
            fields.add("body", side.answer.map { String(decoding: $0.body, as: UTF8.self) })
            fields.add("cost", side.cost)
            json.add(name, object: fields)
        }
        return json.object
    }

    func text(_ style: TextStyle) -> String {
        let job = self.verification.job
        let facts = [
            ("request", job.requestID), ("job", "\(job.id), \(job.state.name)"), ("class", job.trafficClass), ("tenant", job.tenant),
            ("rule", self.verification.rule), ("asked", job.created.words),
        ]
        var text = facts.map { style.dim($0.0 + String(repeating: " ", count: 7 - $0.0.count)) + "  " + $0.1 + "\n" }.joined()
        for (name, side) in [("substitute", self.substitute), ("original", self.original)] {
            let place = side.backend.map { " at \($0)" } ?? ""
            let cost = side.cost.map { ", \($0)" } ?? ""
            text += "\n" + style.bold("\(name) \(side.model)\(place)") + (side.answer.map { ": \($0.status)\(cost)" } ?? ": no answer yet") + "\n"
            if let answer = side.answer { text += String(decoding: answer.body, as: UTF8.self).trimmedEnd + "\n" }
        }
        if let error = job.lastError, self.original.answer == nil { text += style.dim("last error") + "  " + error + "\n" }
        return text
    }
}

extension Verification {
    /// What lists and single ones have in common.
    fileprivate func describe(in json: inout JSONFields) {
        json.add("request_id", self.job.requestID)
        json.add("job_id", self.job.id)
        json.add("status", self.job.state.name)
        json.add("class", self.job.trafficClass)
        json.add("route", self.job.route)
        json.add("tenant", self.job.tenant)
        json.add("rule", self.rule)
        json.add("asked", self.job.created)
    }
}

extension String {
    fileprivate var trimmedEnd: String {
        var rest = self[...]
        while rest.last?.isNewline == true { rest.removeLast() }
        return String(rest)
    }
}
