import SluiceCore
import Synchronization

/// What inference engines say of their own load, by the backend's name; read by ``EngineWatch``.
package final class EngineLoads: Sendable {
    private struct Standing {
        var load: EngineLoad?
        var isUnreadable = false
        var at: MonotonicInstant
    }

    /// What was said longer ago says nothing any more.
    private static let life = Duration.seconds(6)

    private let standings = Mutex<[String: Standing]>([:])

    package init() {}

    func note(_ load: EngineLoad, of backend: String, at now: MonotonicInstant) {
        self.standings.withLock { $0[backend] = Standing(load: load, at: now) }
    }

    /// - Returns: whether that is news.
    func noteUnreadable(_ backend: String, at now: MonotonicInstant) -> Bool {
        self.standings.withLock { standings in
            let isNews = standings[backend]?.isUnreadable != true
            standings[backend] = Standing(load: nil, isUnreadable: true, at: now)
            return isNews
        }
    }

    /// The engine has work in line or no memory left: nothing deferred is added.
    func isBusy(_ backend: String, at now: MonotonicInstant) -> Bool {
        self.standings.withLock { standings in
            guard let standing = standings[backend], now - standing.at < EngineLoads.life else { return false }
            return standing.load?.isBusy ?? false
        }
    }

    /// Its metrics could not be read: half of what was found by trying must do.
    func isUnreadable(_ backend: String) -> Bool {
        self.standings.withLock { $0[backend]?.isUnreadable ?? false }
    }
}
