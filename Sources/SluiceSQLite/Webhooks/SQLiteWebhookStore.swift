import FoundationEssentials
import GRDB
package import SluiceCore

/// Endpoints and the outbox in the store's file.
package struct SQLiteWebhookStore: WebhookStore {
    private let reader: StoreReader
    private let writer: StoreWriter?

    package init(_ database: SQLiteDatabase) {
        self.reader = database.reader
        self.writer = database.writer
    }

    /// For reading alone: every write is refused.
    package init(reading reader: StoreReader) {
        self.reader = reader
        self.writer = nil
    }

    private func submit<Value: Sendable>(_ work: @escaping @Sendable (inout WriteTransaction) throws -> Value, then: @escaping Completion<Value>) {
        guard let writer else { return then(.failure(.readOnly)) }
        writer.submit(WriteOperation(work, then: then))
    }

    package func add(_ endpoint: WebhookEndpoint, then: @escaping Completion<Void>) {
        self.submit(
            { transaction in
                let db = transaction.db
                try db.execute(
                    literal: """
                        INSERT INTO webhook_endpoint(pub, tenant, name, url, events, created_ms, is_enabled)
                        VALUES (\(endpoint.id), \(endpoint.tenant), \(endpoint.name), \(endpoint.url), \(endpoint.words), \(endpoint.created.milliseconds),
                          \(endpoint.isEnabled))
                        """)
                try endpoint.writeSecrets(of: db.lastInsertedRowID, to: db)
            }, then: then)
    }

    package func update(_ endpoint: WebhookEndpoint, then: @escaping Completion<Bool>) {
        self.submit(
            { transaction in
                let db = transaction.db
                let number = try Int64.fetchOne(
                    db.cachedStatement(
                        literal: """
                            UPDATE webhook_endpoint SET name = \(endpoint.name), url = \(endpoint.url), events = \(endpoint.words),
                              is_enabled = \(endpoint.isEnabled)
                            WHERE pub = \(endpoint.id) AND tenant = \(endpoint.tenant) RETURNING id
                            """))
                guard let number else { return false }
                try db.execute(literal: "DELETE FROM webhook_secret WHERE endpoint = \(number)")
                try endpoint.writeSecrets(of: number, to: db)
                return true
            }, then: then)
    }

    package func deleteEndpoint(_ id: String, tenant: String, then: @escaping Completion<Bool>) {
        self.submit(
            { transaction in
                try transaction.db.execute(literal: "DELETE FROM webhook_endpoint WHERE pub = \(id) AND tenant = \(tenant)")
                guard transaction.db.changesCount == 1 else { return false }
                transaction.hasErased = true
                return true
            }, then: then)
    }

    package func queue(_ event: String, _ type: WebhookEvent, body: [UInt8], to endpoint: String, at now: Timestamp, then: @escaping Completion<Bool>) {
        self.submit(
            { transaction in
                try transaction.db.execute(
                    literal: """
                        INSERT INTO webhook_delivery(event, type, endpoint, subject, body, due_ms)
                        SELECT \(event), \(type.rawValue), id, pub, \(Data(body)), \(now.milliseconds) FROM webhook_endpoint WHERE pub = \(endpoint)
                        ON CONFLICT (event, endpoint) DO NOTHING
                        """)
                return transaction.db.changesCount == 1
            }, then: then)
    }

    package func book(
        _ delivery: Int64, as state: WebhookDelivery.State, error: String?, next: Timestamp?, at now: Timestamp, then: @escaping Completion<Void>
    ) {
        self.submit(
            { transaction in
                try transaction.db.cachedStatement(
                    literal: """
                        UPDATE webhook_delivery SET state = \(state.number), attempts = attempts + 1, last_error = \(error),
                          due_ms = \((next ?? now).milliseconds)
                        WHERE id = \(delivery) AND state = 0
                        """
                ).execute()
            }, then: then)
    }

    // MARK: Reading

    package func endpoint(_ id: String, tenant: String) throws(StoreError) -> WebhookEndpoint? {
        try self.reader.read { db in
            try Row.fetchOne(
                db.cachedStatement(literal: "SELECT \(sql: WebhookEndpoint.columns) FROM webhook_endpoint WHERE pub = \(id) AND tenant = \(tenant)")
            ).map { try WebhookEndpoint($0, in: db) }
        }
    }

    package func endpoints(tenant: String, page: PageRequest) throws(StoreError) -> Page<WebhookEndpoint>? {
        try self.reader.read { db in
            let place = try PagePlace(page) { id in
                try Int64.fetchOne(db.cachedStatement(literal: "SELECT id FROM webhook_endpoint WHERE pub = \(id) AND tenant = \(tenant)"))
            }
            guard let place else { return nil }
            let rows = try Row.fetchAll(
                db.cachedStatement(
                    literal: """
                        SELECT \(sql: WebhookEndpoint.columns) FROM webhook_endpoint WHERE tenant = \(tenant) AND \(place.condition) \(place.order)
                        """))
            return try place.page(of: rows) { try WebhookEndpoint($0, in: db) }
        }
    }

    package func dueDeliveries(at now: Timestamp, limit: Int) throws(StoreError) -> (due: [WebhookDelivery], next: Timestamp?) {
        try self.reader.read { db in
            let rows = try Row.fetchAll(
                db.cachedStatement(
                    literal: """
                        SELECT \(sql: WebhookDelivery.columns) FROM webhook_delivery AS delivery
                        WHERE state = 0 AND due_ms <= \(now.milliseconds) ORDER BY due_ms, id LIMIT \(limit)
                        """))
            let next = try Int64.fetchOne(
                db.cachedStatement(literal: "SELECT min(due_ms) FROM webhook_delivery WHERE state = 0 AND due_ms > \(now.milliseconds)"))
            return (try rows.map { try WebhookDelivery($0, in: db) }, next.map(Timestamp.init(milliseconds:)))
        }
    }

    package func deliveries(limit: Int) throws(StoreError) -> [WebhookDelivery] {
        try self.reader.read { db in
            try Row.fetchAll(
                db.cachedStatement(literal: "SELECT \(sql: WebhookDelivery.columns) FROM webhook_delivery AS delivery ORDER BY id DESC LIMIT \(limit)")
            ).map { try WebhookDelivery($0, in: db) }
        }
    }

    package func deliveries(about subject: String) throws(StoreError) -> [WebhookDelivery] {
        try self.reader.read { db in
            try Row.fetchAll(
                db.cachedStatement(
                    literal: "SELECT \(sql: WebhookDelivery.columns) FROM webhook_delivery AS delivery WHERE subject = \(subject) ORDER BY id")
            ).map { try WebhookDelivery($0, in: db) }
        }
    }
}
