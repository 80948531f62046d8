import FoundationEssentials
import GRDB
import SluiceCore

extension WebhookEndpoint {
    static let columns = "id, pub, tenant, name, url, events, created_ms, is_enabled"

    /// Its events as one column.
    var words: String { self.events.map(\.rawValue).joined(separator: " ") }

    init(_ row: Row, in db: Database) throws {
        let secrets = try Row.fetchAll(
            db.cachedStatement(literal: "SELECT secret, expires_ms FROM webhook_secret WHERE endpoint = \(row[0] as Int64) ORDER BY n"))
        self.init(
            id: row[1], tenant: row[2], name: row[3], url: row[4],
            events: (row[5] as String).split(separator: " ").compactMap { WebhookEvent(rawValue: String($0)) },
            secrets: secrets.map { Secret(bytes: [UInt8]($0[0] as Data), expires: ($0[1] as Int64?).map(Timestamp.init(milliseconds:))) },
            created: Timestamp(milliseconds: row[6]))
        self.isEnabled = row[7]
    }

    func writeSecrets(of number: Int64, to db: Database) throws {
        for (n, secret) in self.secrets.enumerated() {
            try db.execute(
                literal: """
                    INSERT INTO webhook_secret(endpoint, n, secret, expires_ms)
                    VALUES (\(number), \(n), \(Data(secret.bytes)), \(secret.expires?.milliseconds))
                    """)
        }
    }
}

extension WebhookDelivery {
    static let columns = "id, event, type, endpoint, subject, body, state, attempts, due_ms, last_error"

    init(_ row: Row, in db: Database) throws {
        let endpoint = try Row.fetchOne(
            db.cachedStatement(literal: "SELECT \(sql: WebhookEndpoint.columns) FROM webhook_endpoint WHERE id = \(row[3] as Int64)"))
        guard let endpoint, let type = WebhookEvent(rawValue: row[2]), let state = State(number: row[6]) else {
            throw StoreError(.incompatible, "delivery \(row[0] as Int64) has a type or a state that this Sluice does not know")
        }
        self.init(
            id: row[0], event: row[1], type: type, endpoint: try WebhookEndpoint(endpoint, in: db), subject: row[4], body: [UInt8](row[5] as Data),
            state: state, attempts: row[7], due: Timestamp(milliseconds: row[8]), lastError: row[9])
    }
}

extension WebhookDelivery.State {
    /// As the column `state` has it.
    var number: Int {
        switch self {
        case .pending: 0
        case .delivered: 1
        case .givenUp: 2
        }
    }

    init?(number: Int) {
        switch number {
        case 0: self = .pending
        case 1: self = .delivered
        case 2: self = .givenUp
        default: return nil
        }
    }
}
