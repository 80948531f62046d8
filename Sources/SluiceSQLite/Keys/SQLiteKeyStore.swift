import Crypto
import FoundationEssentials
import GRDB
package import SluiceCore

/// A key as it is listed: never the key itself, which nobody has but its owner.
package struct APIKey: Sendable {
    package var name: String
    /// nil where the policy's patterns of key names decide.
    package var tenant: String?
    package var created: Timestamp
    package var revoked: Timestamp?
    /// Its SHA-256.
    package var hash: [UInt8]
}

/// The API keys in the store's file.
package struct SQLiteKeyStore: Sendable {
    package static let prefix = "sk-sluice-"

    private let reader: StoreReader
    private let writer: StoreWriter?
    private let onChange: @Sendable ([APIKey]) -> Void

    /// - Parameter onChange: Called with the keys that are valid from now on, on a thread of the store's, whenever they have changed.
    package init(_ database: SQLiteDatabase, onChange: @escaping @Sendable ([APIKey]) -> Void = { _ in }) {
        self.reader = database.reader
        self.writer = database.writer
        self.onChange = onChange
    }

    /// For reading alone.
    package init(reading reader: StoreReader) {
        self.reader = reader
        self.writer = nil
        self.onChange = { _ in }
    }

    /// The keys that are valid now.
    package func valid() throws(StoreError) -> [APIKey] {
        try self.reader.read { db in try APIKey.valid(in: db) }
    }

    /// All keys in the order in which they were made, revoked ones too.
    package func all() throws(StoreError) -> [APIKey] {
        try self.reader.read { db in
            try Row.fetchAll(db, sql: "SELECT name, tenant, created_ms, revoked_ms, hash FROM api_key ORDER BY id").map(APIKey.init(row:))
        }
    }

    /// Makes a key and gives it, this once. The name must not be that of a valid one.
    package func make(_ name: String, tenant: String?, at now: Timestamp, then: @escaping @Sendable (Result<String, StoreError>) -> Void) {
        guard !name.isEmpty, name.utf8.count <= 128, name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else {
            return then(.failure(StoreError(.other, "a key's name is 1 to 128 bytes long and has no control characters")))
        }
        let key = SQLiteKeyStore.newKey()
        self.change(
            { db in
                guard try !APIKey.valid(in: db).contains(where: { $0.name == name }) else {
                    throw StoreError(.other, "there is a key `\(name)` already; revoke it first, or take another name")
                }
                try db.execute(
                    literal: """
                        INSERT INTO api_key(name, tenant, hash, created_ms)
                        VALUES (\(name), \(tenant), \(Data(SHA256.hash(data: Array(key.utf8)))), \(now.milliseconds))
                        """)
                return key
            }, then: then)
    }

    /// Makes a key invalid at once; false where there is no valid one of that name.
    package func revoke(_ name: String, at now: Timestamp, then: @escaping @Sendable (Result<Bool, StoreError>) -> Void) {
        self.change(
            { db in
                try db.execute(literal: "UPDATE api_key SET revoked_ms = \(now.milliseconds) WHERE name = \(name) AND revoked_ms IS NULL")
                return db.changesCount == 1
            }, then: then)
    }

    private func change<Value: Sendable>(
        _ work: @escaping @Sendable (Database) throws -> Value, then: @escaping @Sendable (Result<Value, StoreError>) -> Void
    ) {
        guard let writer else { return then(.failure(.readOnly)) }
        writer.submit(
            WriteOperation({ transaction in (try work(transaction.db), try APIKey.valid(in: transaction.db)) }) { result in
                if case .success(let (_, keys)) = result { self.onChange(keys) }
                then(result.map { $0.0 })
            })
    }

    /// 256 random bits in letters and digits, so that a double click takes all of it.
    private static func newKey() -> String {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        var generator = SystemRandomNumberGenerator()
        let text = (0..<43).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
        return self.prefix + String(decoding: text, as: UTF8.self)
    }
}

extension APIKey {
    fileprivate init(row: Row) {
        self.init(
            name: row[0], tenant: row[1], created: Timestamp(milliseconds: row[2]), revoked: (row[3] as Int64?).map(Timestamp.init(milliseconds:)),
            hash: [UInt8](row[4] as Data))
    }

    fileprivate static func valid(in db: Database) throws -> [APIKey] {
        try Row.fetchAll(db, sql: "SELECT name, tenant, created_ms, revoked_ms, hash FROM api_key WHERE revoked_ms IS NULL ORDER BY id").map(APIKey.init(row:))
    }
}

extension APIKey {
    /// As `keys ls` prints it.
    package var json: JSONFields {
        var json = JSONFields(capacity: 256)
        json.add("name", self.name)
        json.add("tenant", self.tenant)
        json.add("created", self.created.description)
        json.add("revoked", self.revoked?.description)
        return json
    }
}
