import Glibc
import Logging
import NIOCore
import ServiceLifecycle
import SluiceBatch
import SluiceDispatch
import SluiceServer
import UnixSignals

extension ServerState {
    static var processID: Int32 { getpid() }
}

/// Ends the program in order: no new requests, streams finish, queued work stays; when the grace is over what is left is cut.
struct ServerDrain: Service {
    let limit: Duration
    let loops: ServerLoops
    let eventLoops: [any EventLoop]
    let worker: DeferredWorker
    let state: ServerState

    func run() async throws {
        // By the signal itself: services that end before this one may take their time, which is no part of the grace.
        for await _ in self.state.beforeDrain {}
        try Task.checkCancellation()
        try await self.loops.onEach(self.eventLoops) { $0.drain() }
        let end = (self.state.drainsSince ?? .now) + self.limit
        while ContinuousClock.now < end {
            guard try await self.isBusy() else { break }
            try? await Task.sleep(for: .milliseconds(20))
        }
        try await self.loops.onEach(self.eventLoops) { $0.cut() }
        // Behind the scheduler's end nothing more is leased.
        try await gracefulShutdown()
        self.worker.stop()
        while self.worker.running > 0 { try? await Task.sleep(for: .milliseconds(5)) }
    }

    private func isBusy() async throws -> Bool {
        if self.worker.running > 0 { return true }
        let connections = Counter()
        try await self.loops.onEach(self.eventLoops) { connections.add($0.connectionCount) }
        return connections.value > 0
    }
}

/// SIGTERM and SIGINT: the first drains, the second stops at once.
struct StopSignals {
    let state: ServerState

    func run(_ services: ServiceGroup) async {
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        self.state.onStop { stop.yield() }
        await withDiscardingTaskGroup { group in
            group.addTask { for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) { stop.yield() } }
            var isStopping = false
            for await _ in stops {
                if isStopping { _exit(1) }
                isStopping = true
                self.state.drain()
                await services.triggerGracefulShutdown()
            }
            group.cancelAll()
        }
    }
}
