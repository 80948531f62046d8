import Logging
import ServiceLifecycle
package import SluiceCore
import UnixSignals

/// Reloads a policy on SIGHUP, and a moment after its files were changed.
package struct PolicyWatch: Service {
    enum Trigger: Sendable {
        case signal, files
    }

    private let source: PolicySource
    private let now: @Sendable () -> Timestamp
    private let interval: Duration
    private let stamps: FileStamps

    /// - Parameters:
    ///   - interval: How often the files are looked at; they must stand still for as long before they are read.
    ///   - now: The wall clock.
    package init(_ source: PolicySource, every interval: Duration = .seconds(1), now: @escaping @Sendable () -> Timestamp) {
        self.source = source
        self.interval = interval
        self.now = now
        self.stamps = FileStamps(of: source.folder)
    }

    package func run() async throws {
        let (triggers, continuation) = AsyncStream.makeStream(of: Trigger.self, bufferingPolicy: .bufferingNewest(1))
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask {
                    for await _ in await UnixSignalsSequence(trapping: .sighup) { continuation.yield(.signal) }
                }
                group.addTask { await self.watchFiles(continuation) }
                await self.run(triggers: triggers)
                group.cancelAll()
            }
        }
    }

    /// Reloads once per trigger, until there are no more.
    func run(triggers: some AsyncSequence<Trigger, Never>) async {
        for await trigger in triggers { self.report(self.source.reload(at: self.now()), trigger) }
    }

    /// A file that an editor is just writing changes again within the interval, so a change counts once it is an interval old.
    private func watchFiles(_ triggers: AsyncStream<Trigger>.Continuation) async {
        var seen = self.stamps
        var loaded = seen
        while !Task.isCancelled {
            try? await Task.sleep(for: self.interval)
            let stamps = FileStamps(of: self.source.folder)
            if stamps == seen, stamps != loaded {
                loaded = stamps
                triggers.yield(.files)
            }
            seen = stamps
        }
        triggers.finish()
    }

    private func report(_ outcome: PolicySource.Outcome, _ trigger: Trigger) {
        let log = Logger.current
        switch outcome {
        case .unchanged:
            if case .signal = trigger { log.info("policy unchanged", metadata: ["policy.revision": "\(self.source.policy.revision)"]) }
        case .replaced(let policy, let needsRestart):
            log.notice("policy reloaded", metadata: ["policy.revision": "\(policy.revision)"])
            if !needsRestart.isEmpty {
                log.warning("policy changes wait for a restart", metadata: ["policy.keys": "\(needsRestart.joined(separator: ", "))"])
            }
        case .refused(let refusal):
            log.error(
                "policy not reloaded, the old one stays",
                metadata: ["policy.reason": "\(refusal)", "policy.revision": "\(self.source.policy.revision)"])
        }
    }
}
