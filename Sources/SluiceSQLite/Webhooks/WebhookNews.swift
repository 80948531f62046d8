import Crypto
import FoundationEssentials
import GRDB
import SluiceCore

/// The end of a batch or a response, as the endpoints of its tenant hear of it.
struct WebhookNews {
    var type: WebhookEvent
    var subject: String
    var tenant: String
    /// Rises when a batch is retried: its second end is another event than its first.
    var generation: Int
    var at: Timestamp

    /// The same for the same end, whoever books it and however often.
    var event: String {
        let digest = SHA256.hash(data: Array("\(self.type.rawValue) \(self.subject) \(self.generation)".utf8))
        return "evt_" + digest.prefix(16).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    var body: [UInt8] {
        var about = JSONFields(capacity: 64)
        about.add("id", self.subject)
        var json = JSONFields(capacity: 256)
        json.add("id", self.event)
        json.add("object", "event")
        json.add("type", self.type.rawValue)
        json.add("created_at", Int(self.at.seconds))
        json.add("data", object: about)
        return json.object
    }
}

extension WriteTransaction {
    /// Puts news into the outbox, once for each endpoint that wants them.
    mutating func queue(_ news: WebhookNews) throws {
        let endpoints = try Row.fetchAll(
            self.db.cachedStatement(literal: "SELECT id, events FROM webhook_endpoint WHERE tenant = \(news.tenant) AND is_enabled = 1 ORDER BY id"))
        for endpoint in endpoints where (endpoint[1] as String).split(separator: " ").contains(Substring(news.type.rawValue)) {
            try self.db.cachedStatement(
                literal: """
                    INSERT INTO webhook_delivery(event, type, endpoint, subject, body, due_ms)
                    VALUES (\(news.event), \(news.type.rawValue), \(endpoint[0] as Int64), \(news.subject), \(Data(news.body)), \(news.at.milliseconds))
                    ON CONFLICT (event, endpoint) DO NOTHING
                    """
            ).execute()
        }
    }
}
