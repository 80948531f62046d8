import SluiceCore
import SluiceDispatch

/// `sluice.backends/v1`: how each backend fares (`GET /api/backends`).
enum BackendListing {
    static func json(_ live: LivePolicy, at now: Now) -> [UInt8] {
        var json = JSONFields(capacity: 1024)
        json.add("schema", "sluice.backends/v1")
        json.add("data", objects: live.policy.backends.map { self.item($0, live, at: now) })
        json.add("has_more", false)
        json.add("last_id", String?.none)
        return json.object
    }

    private static func item(_ backend: Backend, _ live: LivePolicy, at now: Now) -> JSONFields {
        let slot = live.slots[backend.index]
        let condition = slot.condition(isLater: false, at: now.monotonic)
        let isClosed = backend.closed.map { live.policy.calendar.isOpen($0, at: now.wall) } ?? false
        let breaker = slot.breaker
        var json = JSONFields(capacity: 256)
        json.add("name", backend.name)
        json.add("state", isClosed ? "closed_by_policy" : breaker.isClosed ? condition.availability == .up ? "up" : "degraded" : "open")
        json.add("in_flight", condition.inFlight)
        json.add("limit", condition.limit)
        json.add("first_token_p50_ms", condition.firstTokenMedian)
        json.add("first_token_p95_ms", condition.firstTokenLong)
        json.add("error_ratio", millionths: slot.errorShare.map { Int128($0) })
        json.add("breaker", breaker.word)
        return json
    }
}

extension CircuitBreaker.State {
    fileprivate var isClosed: Bool { if case .closed = self { true } else { false } }

    fileprivate var word: String {
        switch self {
        case .closed: "closed"
        case .open: "open"
        case .halfOpen: "half_open"
        }
    }
}
