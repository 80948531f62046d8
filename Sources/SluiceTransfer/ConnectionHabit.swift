/// Whether a host keeps its connections open after an answer, as far as was seen.
///
/// Some servers announce keep-alive and close all the same: llama.cpp after every streamed answer, others always. A call that is sent just
/// then is lost, and nobody knows whether it was read. So a connection that has just become idle is in doubt until the host has kept one
/// open for a while after an answer of that kind; a call that comes sooner gets a connection of its own.
struct ConnectionHabit {
    /// How an answer's end was told: servers differ in what they do after the one and the other.
    enum Answer: Int {
        case whole, streamed
    }

    private struct Trust {
        var isEarned = false
        /// Since when connections are idle that are on trial now.
        var onTrial: [UInt64] = []
        var doubtfulUntil: UInt64 = 0
    }

    private static let millisecond: UInt64 = 1_000_000
    private var trust = [Trust(), Trust()]
    /// How long a connection must stay open to earn trust.
    private var trial = 50 * ConnectionHabit.millisecond

    /// A connection became idle after an answer.
    mutating func becameIdle(after answer: Answer, at now: UInt64) {
        guard !self.trust[answer.rawValue].isEarned else { return }
        self.trust[answer.rawValue].onTrial.append(now)
        self.trust[answer.rawValue].doubtfulUntil = now + self.trial
    }

    /// An idle connection was taken for a call, or closed on this side: its trial is over without a result.
    mutating func used(after answer: Answer, idleSince then: UInt64) {
        guard let index = self.trust[answer.rawValue].onTrial.firstIndex(of: then) else { return }
        self.trust[answer.rawValue].onTrial.remove(at: index)
    }

    /// The host closed a connection that became idle after an answer at `then`.
    mutating func closed(after answer: Answer, idleSince then: UInt64, at now: UInt64) {
        self.used(after: answer, idleSince: then)
        // After a second it is the host's idle limit, or its end.
        guard now - then < 1000 * ConnectionHabit.millisecond else { return }
        self.trial = max(self.trial, 2 * (now - then))
        self.trust[answer.rawValue].isEarned = false
        // Others may be about to go the same way.
        self.trust[answer.rawValue].doubtfulUntil = now + self.trial
    }

    /// Whether a call that starts now must not use an idle connection.
    mutating func isInDoubt(at now: UInt64) -> Bool {
        for index in self.trust.indices where self.trust[index].onTrial.contains(where: { now - $0 >= self.trial }) {
            self.trust[index].isEarned = true
            self.trust[index].onTrial = []
        }
        return self.trust.contains { !$0.isEarned && now < $0.doubtfulUntil }
    }
}
