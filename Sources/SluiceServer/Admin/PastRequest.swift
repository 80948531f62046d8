package import SluiceCore

/// A request of the past, read from its ledger rows: the explain object of `outputs.md` with the real attempts.
package struct PastRequest {
    private let rows: [LedgerRow]
    private let subject: LedgerEntry.Subject

    /// nil where there are no rows.
    package init?(_ rows: [LedgerRow]) throws {
        guard let first = rows.first, let subject = try LedgerLine.read(first.line).entry.subject else { return nil }
        self.rows = rows
        self.subject = subject
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

    /// The rows that end an attempt; an intent alone while the attempt is under way.
    private var ends: [LedgerRow] { self.rows.filter { $0.isEnd } }
}

/// The newest requests of the ledger, one object each: the attempts that ended folded into the last one's row.
enum RequestListing {
    static func json(_ requests: [[LedgerRow]], hasMore: Bool) -> [UInt8] {
        let shown = requests.compactMap { rows in rows.last { $0.isEnd } ?? rows.last }
        var json: [UInt8] = []
        json.append(text: "{\"schema\":\"sluice.requests/v1\",\"data\":[")
        json.append(list: shown.map(\.line))
        json.append(text: "],\"has_more\":\(hasMore),\"last_id\":")
        json.append(optional: shown.last.flatMap { try? LedgerLine.read($0.line).entry.subject?.requestID })
        json.append(text: "}")
        return json
    }
}

extension LedgerRow {
    fileprivate var isEnd: Bool { (try? LedgerLine.read(self.line).entry.kind.isEnd) ?? false }
}
