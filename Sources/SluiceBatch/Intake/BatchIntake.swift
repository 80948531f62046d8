package import Logging
import NIOPosix
import ServiceLifecycle
import SluiceCore
package import SluiceDispatch

/// Takes in the files of new batches: reads a file once to check every line, then once more to store the lines as jobs, a run at a time.
///
/// What a process leaves half done the next one goes on with: a check is made again, stored runs are not.
package struct BatchIntake: Service {
    /// Lines in one transaction.
    private static let run = 2_000

    private let deferral: Deferral
    private let policy: PolicyInForce
    private let clock: SluiceClock
    private let logger: Logger

    package init(deferral: Deferral, policy: PolicyInForce, clock: SluiceClock, logger: Logger) {
        self.deferral = deferral
        self.policy = policy
        self.clock = clock
        self.logger = logger
    }

    package func run() async throws {
        let (nudges, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.deferral.signals.onNewBatch { continuation.yield() }
        continuation.yield()
        for await _ in nudges.cancelOnGracefulShutdown() {
            do {
                try await self.takeAll()
            } catch {
                self.logger.error("new batches could not be taken in", metadata: ["reason": "\((error as? StoreError)?.message ?? "\(error)")"])
            }
        }
    }

    private func takeAll() async throws {
        let batches = self.deferral.batches
        for (batch, lastLine) in try await self.blocking({ try batches.unfinishedIntakes() }) {
            do {
                if batch.status != .validating {
                    try await self.store(batch, after: lastLine)
                } else if try await self.check(batch) {
                    try await self.store(batch, after: lastLine)
                }
            } catch let error as StoreError where error.code != .full && error.code != .ioFailure {
                // Its file cannot be read: nobody can ever run it.
                _ = try await self.write { batches.refuse(batch.id, faults: [BatchFault(.invalidJSONLine, error.message)], at: self.clock.now.wall, then: $0) }
            }
            self.deferral.signals.nudge()
            self.deferral.signals.nudgeDelivery()
        }
    }

    /// False where the batch goes no further.
    private func check(_ batch: Batch) async throws -> Bool {
        let (files, batches, live, now) = (self.deferral.files, self.deferral.batches, self.policy.live, self.clock.now.wall)
        let check = try await self.blocking { try IntakeCheck(batch, files: files, live: live, at: now) }
        guard check.faults.isEmpty else {
            _ = try await self.write { batches.refuse(batch.id, faults: check.faults, at: now, then: $0) }
            return false
        }
        let parts = check.loads.values.map { $0.quote(self.deferral.outlook, live) }
        let quote = Batch.Quote.sum(parts, atMost: batch.deadline, from: now)
        return try await self.write { batches.begin(batch.id, total: check.lines, quote: quote, at: now, then: $0) }
    }

    private func store(_ batch: Batch, after lastLine: Int) async throws {
        let intake = IntakeRuns(batch, after: lastLine, files: self.deferral.files, live: self.policy.live, at: self.clock.now.wall)
        let batches = self.deferral.batches
        while true {
            let lines = try await self.blocking { try intake.next(BatchIntake.run) }
            guard !lines.isEmpty else { return }
            let now = self.clock.now.wall
            guard try await self.write({ batches.add(lines, to: batch.id, at: now, then: $0) }) else { return }
            self.deferral.signals.nudge()
        }
    }

    private func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await NIOThreadPool.singleton.runIfActive(body)
    }

    private func write<Value: Sendable>(_ body: (@escaping @Sendable (Result<Value, StoreError>) -> Void) -> Void) async throws -> Value {
        try await withCheckedThrowingContinuation { waiting in body { waiting.resume(with: $0) } }
    }
}
