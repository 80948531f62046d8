package import Logging
package import NIOCore
package import SluiceCore

/// Starts calls on one event loop and watches the time of those under way.
///
/// One for each event loop of the server, and one for deferred work on a loop of its own.
package final class Dispatcher {
    /// How often runs are looked at: a time-out is late by at most this.
    private static let tick = TimeAmount.milliseconds(50)

    package let loop: any EventLoop
    package let fleet: BackendFleet
    package let transports: TransportSet
    package let clock: SluiceClock
    private let logger: Logger
    private var runs: [DispatchRun] = []
    private var timer: RepeatedTask?
    private var limit = LoopLimit()
    private var ids = RequestIDs()
    private var nextLook: MonotonicInstant?

    package init(loop: any EventLoop, fleet: BackendFleet, transports: TransportSet, clock: SluiceClock, logger: Logger) {
        self.loop = loop
        self.fleet = fleet
        self.transports = transports
        self.clock = clock
        self.logger = logger
    }

    /// Runs that have not ended.
    package var runsUnderWay: Int { self.runs.count }

    /// Dispatches one call; to be called on the loop. The sink hears everything else.
    ///
    /// - Parameter now: Where the caller has just read the clock.
    package func dispatch(_ call: DispatchCall, to sink: any AnswerSink, recorder: any AttemptRecorder, at now: Now? = nil) -> DispatchRun {
        self.loop.assertInEventLoop()
        let run = DispatchRun(call: call, dispatcher: self, sink: sink, recorder: recorder)
        self.watch(run)
        run.start(at: now ?? self.clock.now)
        return run
    }

    func nextJobID(at now: Timestamp) -> String { self.ids.next("job_", at: now.milliseconds) }

    private func watch(_ run: DispatchRun) {
        run.watchIndex = self.runs.count
        self.runs.append(run)
        guard self.timer == nil else { return }
        let bound = NIOLoopBound(self, eventLoop: self.loop)
        self.timer = self.loop.scheduleRepeatedTask(initialDelay: Dispatcher.tick, delay: Dispatcher.tick) { _ in bound.value.look() }
    }

    func unwatch(_ run: DispatchRun) {
        guard run.watchIndex >= 0 else { return }
        let last = self.runs.removeLast()
        if last !== run {
            self.runs[run.watchIndex] = last
            last.watchIndex = run.watchIndex
        }
        run.watchIndex = -1
    }

    /// Whether the loop carries one more request, the one that asks being among those under way already.
    func admits(rank: Int) -> Bool { self.limit.admits(rank: rank, underWay: self.runs.count - 1) }

    private func look() {
        guard !self.runs.isEmpty else {
            self.timer?.cancel()
            self.timer = nil
            self.nextLook = nil
            return
        }
        let now = self.clock.now.monotonic
        if let due = self.nextLook { self.limit.tick(lag: now - due, underWay: self.runs.count) }
        defer { self.nextLook = self.clock.now.monotonic + .nanoseconds(Dispatcher.tick.nanoseconds) }
        // A copy, since a run that is ended by the look leaves the list.
        for run in Array(self.runs) where !run.isOver { run.check(at: now) }
    }

    /// What an operator who looks for trouble wants to know; never a word of prompt or answer.
    func note(_ reason: String, attempt: Attempt, call: DispatchCall) {
        self.logger.debug(
            "attempt failed",
            metadata: [
                "request.id": "\(call.subject.requestID)", "backend.name": "\(attempt.upstream.backend.name)",
                "attempt.number": "\(attempt.number)", "reason": "\(reason)",
            ])
    }

    /// What an operator must act on.
    func alert(_ message: Logger.Message, attempt: Attempt, status: Int) {
        self.logger.warning(message, metadata: ["backend.name": "\(attempt.upstream.backend.name)", "http.status": "\(status)"])
    }
}
