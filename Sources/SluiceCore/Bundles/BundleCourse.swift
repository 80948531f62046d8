/// Decides what is done next for one bundle. Pure: whoever drives it does the step, and tells what came of it.
///
/// What it must not get wrong: nothing is sent to the provider a second time before it was looked for there, since a call without an answer
/// may have been carried out; and what the provider has not taken is never waited for.
package struct BundleCourse: Sendable {
    package enum Step: Hashable, Sendable {
        case upload, findFile
        case create, findBatch
        case poll
        case askCancel
        /// Its jobs go on elsewhere; the bundle itself is still watched, and the first result counts.
        case hedge
        /// Nothing of it is with the provider: its lines go back.
        case withdraw
        /// Nobody will ever know.
        case giveUp
        case deleteFiles
        case wait(until: Timestamp)
        case done
    }

    package enum Failure: Hashable, Sendable {
        /// Nothing left.
        case notSent
        /// It left, and no answer came, or one that says nothing.
        case ambiguous
        case busy(retryAfter: Duration?)
        /// The account may not do it: 401, 402, 403.
        case account
    }

    /// Providers are done within a day; beyond so long nothing more is to be expected.
    private static let longestLife = Duration.seconds(28 * 3600)
    /// A call that was on its way when the connection broke may still be carried out for so long.
    private static let grace = Duration.seconds(5)
    private static let mostDeletions = 6

    private let usesFiles: Bool
    /// The last call may have been carried out; since when.
    private var unsureSince: Timestamp?
    /// Until then nothing is tried again.
    package private(set) var nextTry = Timestamp.distantPast
    private var nextPoll = Timestamp.distantPast
    private var failures = 0
    private var polls = 0
    private var hasHedged = false
    private var deletions = 0

    /// - Parameters:
    ///   - usesFiles: The requests go in a file of their own before the batch.
    ///   - recoveredAt: When it was found on disk at a start; nil for a bundle that this process has made.
    package init(usesFiles: Bool, recoveredAt: Timestamp? = nil) {
        self.usesFiles = usesFiles
        self.unsureSince = recoveredAt
    }

    package func next(_ bundle: Bundle, at now: Timestamp) -> Step {
        switch bundle.state {
        case .building: .done
        case .submitting: self.submit(bundle, at: now)
        case .open, .cancelling: self.follow(bundle, at: now)
        case .ingested, .lost: self.clean(bundle, at: now)
        }
    }

    private func submit(_ bundle: Bundle, at now: Timestamp) -> Step {
        let isOutOfTime = bundle.running == 0 || bundle.pullAt.map { $0 <= now } ?? false
        if self.unsureSince == nil, isOutOfTime { return .withdraw }
        if let step = self.outlast(bundle, at: now) { return step }
        guard self.nextTry <= now else { return self.wait(until: self.nextTry, bundle, at: now) }
        if self.usesFiles, bundle.file == nil { return self.unsureSince == nil ? .upload : .findFile }
        return self.unsureSince == nil ? .create : .findBatch
    }

    private func follow(_ bundle: Bundle, at now: Timestamp) -> Step {
        if let step = self.outlast(bundle, at: now) { return step }
        if bundle.state == .open, self.nextTry <= now, bundle.running == 0 || bundle.pullAt.map({ $0 <= now }) ?? false { return .askCancel }
        return self.nextPoll <= now ? .poll : self.wait(until: self.nextPoll, bundle, at: now)
    }

    /// What its time says, whatever the provider does.
    private func outlast(_ bundle: Bundle, at now: Timestamp) -> Step? {
        if let submitted = bundle.submitted, now - submitted > BundleCourse.longestLife { return .giveUp }
        guard let hedge = bundle.hedgeAt, hedge <= now, bundle.running > 0, !self.hasHedged else { return nil }
        return .hedge
    }

    private func clean(_ bundle: Bundle, at now: Timestamp) -> Step {
        guard !bundle.leftovers.isEmpty else { return .done }
        return self.nextTry <= now ? .deleteFiles : .wait(until: self.nextTry)
    }

    /// Not beyond the instant at which time itself has something to say.
    private func wait(until: Timestamp, _ bundle: Bundle, at now: Timestamp) -> Step {
        let times = [bundle.state == .cancelling ? nil : bundle.pullAt, self.hasHedged ? nil : bundle.hedgeAt]
        return .wait(until: times.compactMap { $0 }.filter { $0 > now }.reduce(until, min))
    }

    // MARK: What came of a step

    package mutating func succeeded() {
        self.failures = 0
        self.unsureSince = nil
        self.nextTry = .distantPast
    }

    /// It was looked for and not found. Right after a break that says nothing yet.
    package mutating func didNotFind(at now: Timestamp) {
        guard let since = self.unsureSince else { return }
        if now - since >= BundleCourse.grace { self.succeeded() } else { self.nextTry = now + .seconds(1) }
    }

    /// - Parameters:
    ///   - isNew: The call would have made something there.
    ///   - chance: From 0 to 1, for the jitter.
    package mutating func failed(_ failure: Failure, isNew: Bool, chance: Double, at now: Timestamp) {
        self.failures += 1
        if failure == .ambiguous, isNew { self.unsureSince = now }
        let pause =
            switch failure {
            case .account: Duration.seconds(min(600, 60 << min(self.failures - 1, 8)))
            case .busy(let wait?): max(wait, .milliseconds(500))
            case .busy(nil), .notSent, .ambiguous: Duration.milliseconds(500 + Int64(Double(min(60_000, 1000 << min(self.failures, 10))) * chance))
            }
        self.nextTry = now + pause
        self.nextPoll = max(self.nextPoll, self.nextTry)
    }

    /// The provider is still at it.
    ///
    /// - Parameter hint: How long it asks to be left alone.
    package mutating func stillRuns(_ bundle: Bundle, hint: Duration?, chance: Double, at now: Timestamp) {
        self.failures = 0
        var pause = 10_000.0
        for _ in 0..<min(self.polls, 12) { pause = min(pause * 1.3, 120_000) }
        self.polls += 1
        // Where there is little time, it is asked more often.
        if let limit = bundle.state == .cancelling ? bundle.hedgeAt : bundle.pullAt {
            pause = min(pause, max(1000, Double((limit - now).milliseconds) / 20))
        }
        self.nextPoll = now + max(hint ?? .zero, .milliseconds(Int64(pause * (0.9 + 0.2 * chance))))
    }

    /// It was asked to stop: it is looked at again soon.
    package mutating func askedCancel(at now: Timestamp) {
        self.polls = 0
        self.nextPoll = now + .seconds(1)
    }

    package mutating func hedged() { self.hasHedged = true }

    /// Gives false where it was tried often enough.
    package mutating func deletionFailed(at now: Timestamp) -> Bool {
        self.deletions += 1
        self.nextTry = now + .seconds(min(60, 1 << Int64(self.deletions)))
        return self.deletions < BundleCourse.mostDeletions
    }
}
