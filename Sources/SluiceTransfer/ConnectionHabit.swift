/// Whether a host keeps its connections open after an answer, as far as was seen.
///
/// Some servers announce keep-alive and close all the same: llama.cpp after every streamed answer, others always. A call that is sent just
/// then is lost, and nobody knows whether it was read. So a connection that has just become idle is in doubt until the host has once kept one
/// open for a while after an answer of that kind; a call that comes sooner gets a connection of its own.
struct ConnectionHabit {
    /// How an answer's end was told: servers differ in what they do after the one and the other.
    enum Answer: Int {
        case whole, streamed
    }

    private struct Trust {
        var isEarned = false
        /// When the oldest connection became idle that has not been seen closing.
        var idleSince: UInt64?
    }

    private static let millisecond: UInt64 = 1_000_000
    private var trust = [Trust(), Trust()]
    private var doubtfulUntil: UInt64 = 0
    /// How long a connection must stay open to earn trust.
    private var trial = 50 * ConnectionHabit.millisecond

    /// A connection became idle after an answer.
    mutating func becameIdle(after answer: Answer, at now: UInt64) {
        guard !self.trust[answer.rawValue].isEarned else { return }
        if self.trust[answer.rawValue].idleSince == nil { self.trust[answer.rawValue].idleSince = now }
        self.doubtfulUntil = now + self.trial
    }

    /// The host closed a connection that became idle after an answer at `then`.
    mutating func closed(after answer: Answer, idleSince then: UInt64, at now: UInt64) {
        // After a second it is the host's idle limit, or its end.
        guard now - then < 1000 * ConnectionHabit.millisecond else { return }
        self.trust[answer.rawValue] = Trust()
        self.trial = max(self.trial, 2 * (now - then))
    }

    /// Whether a call that starts now must not use an idle connection.
    mutating func isInDoubt(at now: UInt64) -> Bool {
        for index in self.trust.indices {
            guard let since = self.trust[index].idleSince, !self.trust[index].isEarned, now - since >= self.trial else { continue }
            self.trust[index].isEarned = true
        }
        guard now < self.doubtfulUntil else { return false }
        return self.trust.contains { !$0.isEarned && $0.idleSince != nil }
    }
}
