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

    package var json: [UInt8] {
        var json: [UInt8] = []
        json.append(text: "{\"schema\":\"sluice.explain/v1\",\"request_id\":")
        json.append(jsonString: self.subject.requestID)
        json.append(text: ",\"route\":{\"name\":")
        json.append(jsonString: self.subject.route)
        json.append(text: "},\"tenant\":")
        json.append(jsonString: self.subject.tenant)
        json.append(text: ",\"class\":")
        json.append(jsonString: self.subject.trafficClass)
        json.append(text: ",\"serve\":\"\(self.subject.serve.rawValue)\",\"model\":")
        json.append(jsonString: self.subject.model)
        json.append(text: ",\"policy\":")
        json.append(jsonString: self.subject.policy)
        json.append(text: ",\"attempts\":[")
        json.append(list: self.ends.map(\.line))
        json.append(text: "]}")
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
