import Glibc
import Synchronization

/// How many clients may be connected at once, and how many are: one for all event loops.
package final class ConnectionShare: Sendable {
    /// Half of the descriptors that the process may have: the other half is for backends and files. Where all are used up, an accept that
    /// fails would be tried again without end (`promises.md`, T16).
    private static let most: Int = {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 512 }
        return max(16, Int(min(limit.rlim_cur, 1 << 20)) / 2)
    }()

    /// How many connections are accepted: the last of them only to hear that there are too many, and whoever comes then waits in the
    /// listener's queue.
    static var mostAccepted: Int { self.most + max(4, self.most / 8) }

    private let count = Atomic(0)

    package init() {}

    /// Takes a place; false where there is none left.
    func enter() -> Bool {
        guard self.count.add(1, ordering: .relaxed).newValue > ConnectionShare.most else { return true }
        self.leave()
        return false
    }

    func leave() { self.count.subtract(1, ordering: .relaxed) }
}
