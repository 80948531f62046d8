package import SluiceCore
import Synchronization

/// The use that one tenant makes of its limits, exact over all event loops.
package final class TenantSlot: Sendable {
    private let use: Mutex<TenantUse>

    init(_ limits: Backend.Limits) {
        self.use = Mutex(TenantUse(limits: limits))
    }

    func adopt(_ limits: Backend.Limits) { self.use.withLock { $0.adopt(limits) } }

    package func admit(tokens: Int, isLater: Bool, at now: MonotonicInstant) -> TenantUse.Admission {
        self.use.withLock { $0.admit(tokens: tokens, isLater: isLater, at: now) }
    }

    package func quotas(at now: MonotonicInstant) -> [Quota] { self.use.withLock { $0.quotas(at: now) } }

    package func release(tokensBeyond: Int, since: MonotonicInstant, at now: MonotonicInstant) {
        self.use.withLock { $0.release(tokensBeyond: tokensBeyond, since: since, at: now) }
    }

    package var inFlight: Int { self.use.withLock { $0.inFlight } }
}
