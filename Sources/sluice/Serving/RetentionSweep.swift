import Logging
import ServiceLifecycle
import SluiceCore
import SluiceDispatch
import SluiceSQLite

/// Erases what has had its time: answers and bodies of finished deferred work, files, answers under idempotency keys, entries and sums of the
/// ledger.
struct RetentionSweep: Service {
    /// How long an idempotency key is remembered.
    private static let keyLife = Duration.seconds(86_400)
    /// How long entries stay at least: after a crash the journal asks which attempts of the last moments have an end already.
    private static let entryLife = Duration.seconds(3600)

    let deferral: Deferral
    let ledger: SQLiteLedger
    let policy: PolicyInForce
    let clock: SluiceClock

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.sweepDeferred()
                // At the start hours in which Sluice was down are booked first, by what the sums say.
                try? await Task.sleep(for: .seconds(5))
                await self.sweepLedger()
                try? await Task.sleep(for: .seconds(15))
            }
        }
    }

    private func sweepDeferred() async {
        let now = self.clock.now.wall
        let policy = self.policy.live.policy
        let limits = SweepLimits(policy.server.retention, at: now)
        let own = policy.tenants.reduce(into: [String: SweepLimits]()) { limits, tenant in
            if let retention = tenant.terms.retention { limits[tenant.name] = SweepLimits(retention, at: now) }
        }
        let (store, files, answers) = (self.deferral.store, self.deferral.files, self.deferral.answers)
        await self.write { store.sweep(limits, own: own, at: now, then: $0) }
        await self.write { files.sweepFiles(at: now, then: $0) }
        await self.write { answers.forgetAnswers(before: now - RetentionSweep.keyLife, then: $0) }
    }

    /// A part at a time, so that others who write come in between.
    private func sweepLedger() async {
        let now = self.clock.now.wall
        let policy = self.policy.live.policy
        let entries = policy.server.retention.requests.map { now - max($0, RetentionSweep.entryLife) }
        let sums = policy.server.retention.rollups.map { min(now - $0, policy.budgetsFrom(at: now)) }
        guard entries != nil || sums != nil else { return }
        let ledger = self.ledger
        var deleted = 1
        while deleted > 0, !Task.isCancelled {
            deleted = await self.write { ledger.forget(entriesBefore: entries, sumsBefore: sums, at: now, then: $0) }
        }
    }

    /// What cannot be erased now is erased another time.
    @discardableResult
    private func write(_ body: (@escaping @Sendable (Result<Int, StoreError>) -> Void) -> Void) async -> Int {
        await withCheckedContinuation { waiting in
            body { result in
                if case .failure(let error) = result {
                    Logger.current.warning("what has had its time could not be erased; it is tried again", metadata: ["reason": "\(error.message)"])
                }
                waiting.resume(returning: (try? result.get()) ?? 0)
            }
        }
    }
}

extension PolicySet {
    /// Where the first period that a budget counts began.
    fileprivate func budgetsFrom(at now: Timestamp) -> Timestamp {
        guard let zone = ZonedClock(self.zone) else { return now }
        return self.budgets.map { $0.period.span(around: now, in: zone).lowerBound }.min() ?? now
    }
}
