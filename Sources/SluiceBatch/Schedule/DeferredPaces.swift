import SluiceCore
import SluiceDispatch
import Synchronization

/// What deferred calls have taught of each backend, by its name; told by the worker, asked by the scheduler.
final class DeferredPaces: Sendable {
    private let paces = Mutex<[String: DeferredPace]>([:])

    func begin(_ backend: String) {
        self.paces.withLock { $0[backend, default: DeferredPace(ceiling: nil)].begin() }
    }

    func end(_ backend: String, _ end: DeferredPace.End, tokens: Int, held: Duration, at now: MonotonicInstant) {
        self.paces.withLock { $0[backend]?.end(end, tokens: tokens, held: held, at: now) }
    }

    func liveSuffers(_ backend: String, at now: MonotonicInstant) {
        self.paces.withLock { $0[backend]?.liveSuffers(at: now) }
    }

    /// What is known of a backend under the limit that the policy now has.
    func pace(of backend: Backend) -> DeferredPace {
        self.paces.withLock { paces in
            paces[backend.name, default: DeferredPace(ceiling: nil)].adopt(ceiling: backend.limits.concurrent)
            return paces[backend.name, default: DeferredPace(ceiling: nil)]
        }
    }
}

extension DeferredPace.End {
    /// What the end of an attempt says of its backend's capacity.
    init(_ settlement: LedgerEntry.Settlement) {
        switch settlement.outcome {
        case .ok: self = .answered
        case .timeout: self = .tooMuch
        case .refused, .upstreamError: self = [429, 503, 529].contains(settlement.status ?? 0) ? .tooMuch : .other
        case .notSent: self = .unreachable
        case .clientGone, .truncated, .superseded, .unknown: self = .other
        }
    }
}
