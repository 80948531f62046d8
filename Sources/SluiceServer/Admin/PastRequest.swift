package import SluiceCore

/// A request of the past, read from its ledger rows: the explain object of `outputs.md` with the real attempts.
package struct PastRequest {
    private let ends: [(line: [UInt8], entry: LedgerEntry)]
    private let subject: LedgerEntry.Subject

    /// nil where there are no rows.
    package init?(_ rows: [LedgerRow]) {
        let read = rows.compactMap { row in (try? LedgerLine.read(row.line)).map { (line: row.line, entry: $0.entry) } }
        guard let subject = read.first?.entry.subject else { return nil }
        self.subject = subject
        self.ends = read.filter(\.entry.kind.isEnd)
    }

    /// All members of the explain object. What only the policy of that day knew is null or empty.
    package var json: [UInt8] {
        var json = JSONFields(capacity: 1024)
        json.add("schema", "sluice.explain/v1")
        json.add("request_id", self.subject.requestID)
        var route = JSONFields(capacity: 96)
        route.add("name", self.subject.route)
        for name in ["index", "file", "line"] as [StaticString] { route.add(name, json: nil) }
        json.add("route", object: route)
        json.add("tried", objects: [])
        json.add("tenant", self.subject.tenant)
        json.add("class", self.subject.trafficClass)
        json.add("serve", self.subject.serve.rawValue)
        json.add("model", self.subject.model)
        for name in ["substituted", "not_before", "deadline", "promote_at", "promote_to", "refused"] as [StaticString] { json.add(name, json: nil) }
        json.add("candidates", objects: self.candidates)
        json.add("baseline", object: self.baseline)
        json.add("currency", self.subject.currency)
        json.add("policy", self.subject.policy)
        var attempts: [UInt8] = []
        attempts.append(text: "[")
        attempts.append(list: self.ends.map(\.line))
        attempts.append(text: "]")
        json.add("attempts", json: attempts)
        return json.object
    }

    /// The backends that were asked, each once.
    private var candidates: [JSONFields] {
        var seen: Set<[String]> = []
        return self.ends.compactMap { _, entry in
            guard let target = entry.target, seen.insert([target.pool, target.backend]).inserted else { return nil }
            var json = JSONFields(capacity: 128)
            json.add("pool", target.pool)
            json.add("backend", target.backend)
            json.add("chosen", true)
            json.add("why_not", json: nil)
            json.add("estimated_cost", entry.estimate)
            json.add("estimated_first_token_ms", json: nil)
            json.add("prefix_home", false)
            return json
        }
    }

    /// A request's baseline counts once: that of the last attempt that has one. Whose prices they were is in no row.
    private var baseline: JSONFields? {
        guard let cost = self.ends.last(where: { $0.entry.settlement?.baseline != nil })?.entry.settlement?.baseline else { return nil }
        var json = JSONFields(capacity: 64)
        json.add("backend", json: nil)
        json.add("model", json: nil)
        json.add("cost", cost)
        return json
    }

    /// The same for people.
    package var text: String {
        var lines = [
            "request   \(self.subject.requestID)", "route     \(self.subject.route)", "class     \(self.subject.trafficClass) · \(self.subject.serve.rawValue)",
            "tenant    \(self.subject.tenant)\(self.subject.key.map { " · key \($0)" } ?? "")", "model     \(self.subject.model)",
            "policy    \(self.subject.policy)",
        ]
        if self.ends.isEmpty { lines.append("attempts  none has ended yet") }
        for (_, entry) in self.ends {
            guard let end = entry.settlement, let target = entry.target else { continue }
            let cost = end.cost.map(\.description) ?? "\(end.costLow?.description ?? "?")–\(end.costHigh?.description ?? "?")"
            lines.append(
                "attempt \(entry.attempt ?? 0) \(target.backend) (\(target.backendModel)) · \(end.outcome.rawValue)\(end.status.map { " \($0)" } ?? "") · "
                    + "\(cost) \(self.subject.currency), baseline \(end.baseline?.description ?? "–") · \(end.evidence.rawValue) · "
                    + "first token \(end.firstToken.map { "\($0.milliseconds) ms" } ?? "–"), total \(end.total.map { "\($0.milliseconds) ms" } ?? "–")")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

/// The newest requests of the ledger, one object each: the attempts that ended folded into the last one's row.
enum RequestListing {
    static func json(_ requests: [[LedgerRow]], hasMore: Bool) -> [UInt8] {
        let shown = requests.compactMap(self.row)
        var json: [UInt8] = []
        json.append(text: "{\"schema\":\"sluice.requests/v1\",\"data\":[")
        json.append(list: shown.map(\.line))
        json.append(text: "],\"has_more\":\(hasMore),\"last_id\":")
        json.append(optional: shown.last.flatMap { try? LedgerLine.read($0.line).entry.subject?.requestID })
        json.append(text: "}")
        return json
    }

    /// The row that stands for a request: what verified it came later and is not the answer that its client got.
    private static func row(of rows: [LedgerRow]) -> LedgerRow? {
        let ends = rows.compactMap { row in (try? row.entry()).flatMap { $0.kind.isEnd ? (row: row, entry: $0) : nil } }
        return (ends.last { $0.entry.settlement?.flags.contains(.verification) != true } ?? ends.last)?.row ?? rows.last
    }
}
