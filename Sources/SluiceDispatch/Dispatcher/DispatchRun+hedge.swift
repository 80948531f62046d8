import NIOCore
import SluiceCore

/// A second attempt beside a slow one, for classes that ask for it.
extension DispatchRun {
    /// Notes when the attempt that has just begun is slow; there is no such time while too little is known of its backend.
    func armHedge(beside attempt: Attempt) {
        self.hedgeAt = nil
        guard self.rival == nil, attempt.number < AttemptMachine.mostAttempts, let hedge = self.limits.hedge,
            let usual = attempt.slot.usualTime(hedge.afterQuantile, isStream: self.call.request.isStream, at: attempt.started)
        else { return }
        self.hedgeAt = attempt.started + usual
        // The dispatcher looks too seldom for this.
        let bound = NIOLoopBound(self, eventLoop: self.dispatcher.loop)
        self.hedgeTimer?.cancel()
        self.hedgeTimer = self.dispatcher.loop.scheduleTask(in: .nanoseconds(usual.nanoseconds)) {
            let run = bound.value
            if !run.isOver, let at = run.hedgeAt, at <= run.now.monotonic { run.hedge() }
        }
    }

    /// Asks another backend as well, where budgets and room allow it.
    func hedge() {
        self.hedgeAt = nil
        guard !self.isOver, !self.isCommitted, self.current?.handle != nil else { return }
        let (fleet, trafficClass) = (self.dispatcher.fleet, self.call.trafficClass.name)
        guard fleet.takeHedge(trafficClass) else { return }
        let before = self.machine.attemptCount
        if let action = self.machine.hedge() { self.perform(action, at: self.now) }
        if self.machine.attemptCount == before { fleet.giveBackHedge(trafficClass) }
    }

    /// The attempt is the one whose answer the client gets: the other is dropped, and booked as waste.
    func commits(_ attempt: Attempt) {
        self.machine.committed()
        self.hedgeAt = nil
        guard let loser = self.rival === attempt ? self.current : self.rival else { return }
        loser.cancel()
        // It would have taken longer than this: a sketch that only hears of winners becomes too bold.
        if self.call.request.isStream { loser.slot.noteFirstToken(after: self.now.monotonic - loser.started, at: self.now.monotonic) }
        self.settle(loser, self.leftBehind(loser, .superseded), as: loser.wasSent ? .waste : .settled, report: .nothing)
    }
}
