import Logging
import NIOCore
import SluiceCore
import SluicePolicy
import SluiceSQLite
import SluiceServer
import Synchronization

/// How far the program has come: starting, ready, draining, failed.
final class ServerState: Sendable {
    enum Listener {
        case api, admin
    }

    private struct State {
        var api: String?
        var admin: String?
        /// When it was told to end.
        var drainsSince: ContinuousClock.Instant?
        var failure: StoreError?
        var isStopped = false
        var onStop: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    /// Ends with the first call of ``drain()``; one task may wait for that.
    let beforeDrain: AsyncStream<Never>
    private let drainBegins: AsyncStream<Never>.Continuation

    init() {
        (self.beforeDrain, self.drainBegins) = AsyncStream.makeStream()
    }

    var isDraining: Bool { self.drainsSince != nil }
    var drainsSince: ContinuousClock.Instant? { self.state.withLock { $0.drainsSince } }
    var failure: StoreError? { self.state.withLock { $0.failure } }

    /// The grace begins.
    func drain() {
        self.state.withLock { $0.drainsSince = $0.drainsSince ?? .now }
        self.drainBegins.finish()
    }

    /// The store cannot make a commit durable: nothing may be acknowledged any more, so the process stops.
    func fail(_ error: StoreError) {
        self.state.withLock { $0.failure = $0.failure ?? error }
        self.stop()
    }

    /// Ends the program in order, as SIGTERM does.
    func stop() {
        let stop = self.state.withLock { state in
            state.isStopped = true
            return state.onStop
        }
        stop?()
    }

    /// - Parameter stop: What ends the program; called at once where it was told to end before.
    func onStop(_ stop: @escaping @Sendable () -> Void) {
        let isStopped = self.state.withLock { state in
            state.onStop = stop
            return state.isStopped
        }
        if isStopped { stop() }
    }

    /// A listener is up; once both are, commands may find them.
    func listens(_ listener: Listener, at channel: any Channel, _ options: Router.Options) {
        let address = ServerState.text(channel.localAddress)
        let file = self.state.withLock { state -> ServerFile? in
            switch listener {
            case .api: state.api = address
            case .admin: state.admin = address
            }
            guard let api = state.api, let admin = state.admin else { return nil }
            return ServerFile(pid: ServerState.processID, api: api, admin: admin)
        }
        guard let file else { return }
        do throws(StoreError) {
            try file.write(options.folder)
        } catch {
            options.logger.warning("commands will not find this server", metadata: ["reason": "\(error.message)"])
        }
        options.logger.notice(
            "sluice serves",
            metadata: ["api": "\(file.api)", "admin": "\(file.admin)", "policy": "\(options.source.policy.revision)", "data": "\(options.folder.path)"])
        options.onReady(file)
        // Not before the first requests, which need many of them and may be waiting.
        Task.detached {
            try? await Task.sleep(for: .milliseconds(250))
            StartPages.giveBack()
        }
    }

    private static func text(_ address: SocketAddress?) -> String {
        switch address {
        case .unixDomainSocket: "unix:\(address?.pathname ?? "")"
        case .v6: "[\(address?.ipAddress ?? "")]:\(address?.port ?? 0)"
        case .v4, nil: "\(address?.ipAddress ?? ""):\(address?.port ?? 0)"
        }
    }

    func checks(ledger: SQLiteLedger, source: PolicySource) -> [ServerHealth.Check] {
        let (isListening, isDraining, failure) = self.state.withLock { ($0.api != nil && $0.admin != nil, $0.drainsSince != nil, $0.failure) }
        let waiting = ledger.backlogBytes
        var policy = ServerHealth.Check("policy", isOK: true, detail: source.policy.revision)
        if case .refused(let refusal) = source.lastReload { policy.detail = "\(source.policy.revision); the last reload was refused: \(refusal)" }
        return [
            policy,
            .init("listeners", isOK: isListening, detail: isListening ? "both up" : "starting"),
            .init("draining", isOK: !isDraining, detail: isDraining ? "the server is shutting down" : "no"),
            .init("store", isOK: failure == nil, detail: failure?.message ?? "commits are durable"),
            .init("ledger", isOK: true, detail: waiting == 0 ? "no rows wait" : "\(waiting) bytes of rows wait in memory for a full disk"),
        ]
    }
}
