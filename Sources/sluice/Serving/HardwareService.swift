import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import SluiceCore
import SluiceDispatch
import SluiceSQLite

/// Books the hours of hardware of one's own as they end, and switches rented hardware at the edges of its window.
struct HardwareService: Service {
    let hours: HardwareHours
    let rentals: NIOLoopBound<RentalSwitch>
    let health: NIOLoopBound<HealthWatch>
    let loop: any EventLoop
    let ledger: SQLiteLedger
    let clock: SluiceClock

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.book()
                let (loop, rentals, health) = (self.loop, self.rentals, self.health)
                loop.execute {
                    rentals.value.look()
                    health.value.look()
                }
                try? await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    /// An hour that could not be booked is tried again.
    private func book() async {
        let now = self.clock.now
        guard self.hours.isDue(at: now.wall) else { return }
        do {
            let (ledger, hours) = (self.ledger, self.hours)
            try await withCheckedThrowingContinuation { waiting in ledger.flush { waiting.resume(with: $0) } }
            let entries = try await NIOThreadPool.singleton.runIfActive { try hours.due(at: now) }
            guard !entries.isEmpty else { return }
            try await withCheckedThrowingContinuation { waiting in
                ledger.append(entries.map { SealedEntry($0) }) { waiting.resume(with: $0) }
                ledger.flush { _ in }
            }
            hours.markBooked(entries)
        } catch {
            Logger.current.error("an hour of own hardware could not be booked", metadata: ["reason": "\(error)"])
        }
    }
}
