import SluiceCore

/// The shapes of what is printed of keys and of a running server.
enum ServerOutputs {
    struct KeyRow: Codable {
        var name: String
        @OrNull var tenant: String?
        var created: String
        @OrNull var revoked: String?
    }

    struct Keys: Codable {
        var schema: String
        var data: [KeyRow]
        var has_more: Bool
        @OrNull var last_id: String?
    }

    struct Key: Codable {
        var schema: String
        var name: String
        @OrNull var tenant: String?
        var key: String
        var created: String
    }

    struct Backend: Codable {
        var name: String
        var state: String
        var in_flight: Int
        @OrNull var limit: Int?
        @OrNull var first_token_p50_ms: Int?
        @OrNull var first_token_p95_ms: Int?
        @OrNull var error_ratio: Double?
        var breaker: String
    }

    struct Backends: Codable {
        var schema: String
        var data: [Backend]
        var has_more: Bool
        @OrNull var last_id: String?
    }

    struct Requests: Codable {
        var schema: String
        var data: [MoneyOutputs.Ledger]
        var has_more: Bool
        @OrNull var last_id: String?
    }

    struct Check: Codable {
        var name: String
        var ok: Bool
        var detail: String
    }

    struct Ready: Codable {
        var schema: String
        var ready: Bool
        var checks: [Check]
    }

    struct Reload: Codable {
        var schema: String
        var policy: String
        var requeued: Int
    }

    struct KeyRevoked: Codable {
        var schema: String
        var revoked: Bool
    }
}
