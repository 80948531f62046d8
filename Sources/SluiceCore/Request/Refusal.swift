/// A request that is answered with an error of ours: the status, the code and the sentence of `contract.md`, Errors.
package struct Refusal: Error, Hashable, Sendable {
    package enum Code: String, Sendable {
        case invalidRequest = "invalid_request"
        case invalidAPIKey = "invalid_api_key"
        case modelNotAllowed = "model_not_allowed"
        case classNotAllowed = "class_not_allowed"
        case modelNotFound = "model_not_found"
        case notFound = "not_found"
        case requestTimeout = "request_timeout"
        case idempotencyInFlight = "idempotency_in_flight"
        case idempotencyMismatch = "idempotency_mismatch"
        case mustBeAsync = "must_be_async"
        case maxCostExceeded = "max_cost_exceeded"
        case requestTooLarge = "request_too_large"
        case rateLimited = "rate_limited"
        case budgetExceeded = "budget_exceeded"
        case overloaded
        case resourceUnavailable = "resource_unavailable"
        case upstreamFailed = "upstream_failed"
        case latencyBudgetExceeded = "latency_budget_exceeded"
        case noBackend = "no_backend"
        case draining
        case storageFull = "storage_full"
        case storageError = "storage_error"
        case deadlineExceeded = "deadline_exceeded"
        case cancelled
    }

    package var status: Int
    package var code: Code
    package var message: String
    /// The field or header that is wrong.
    package var param: String?
    package var retryAfter: Duration?
    /// What `x-should-retry` says; nil leaves it to the SDK.
    package var shouldRetry: Bool?
    /// The limits that refused.
    package var quotas: [Quota] = []
    /// The header line that says where it was tried last; empty where it was tried nowhere.
    package var routeLine: [UInt8] = []

    package init(_ status: Int, _ code: Code, _ message: String, param: String? = nil, retryAfter: Duration? = nil, shouldRetry: Bool? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.retryAfter = retryAfter
        self.shouldRetry = shouldRetry
    }

    package static func invalid(_ message: String, param: String? = nil) -> Refusal {
        Refusal(400, .invalidRequest, message, param: param)
    }

    /// `Retry-After` in whole seconds, never 0 and at most a minute: a wait that is worth telling.
    package var retryAfterSeconds: Int? {
        self.retryAfter.map { Int(min(60, max(1, ($0.milliseconds + 999) / 1000))) }
    }
}
