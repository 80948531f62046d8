package import SluiceCore

/// What becomes of a job after a run: an end, or another try.
///
/// Refusals that cost the backend nothing do not count; a call that may have been carried out is repeated at most as often as the
/// class says (`queue.md` 10.7).
package enum JobDisposition: Sendable {
    case complete(JobState, JobResult)
    case putBack(notBefore: Timestamp, reason: String)

    /// Calls that a backend answered with a failure of its own are tried this often in all.
    static let mostAttempts = 8
    /// However near the deadline is.
    private static let shortestPause = Duration.milliseconds(250)

    /// What a run came to.
    package struct Run: Sendable {
        /// Calls so far, refused ones too: what pauses grow with.
        package var attempts: Int
        /// Those that count, this run's among them.
        package var tries: Job.Tries
        package var retryAmbiguous: Int
        package var deadline: Timestamp?
        /// From 0 to 1, for the jitter.
        package var chance: Double

        package init(attempts: Int, tries: Job.Tries, retryAmbiguous: Int, deadline: Timestamp?, chance: Double) {
            self.attempts = attempts
            self.tries = tries
            self.retryAmbiguous = retryAmbiguous
            self.deadline = deadline
            self.chance = chance
        }
    }

    /// For an answer, good or bad, that a backend gave.
    package static func of(answer: JobResult, retryAfter: Duration?, _ run: Run, at now: Timestamp) -> JobDisposition {
        switch answer.status {
        case 200..<300: return .complete(.done, answer)
        case 429: return .putBack(notBefore: now + self.pause(run, atLeast: retryAfter ?? .zero, at: now), reason: "the backend answered 429")
        default: return .complete(.failed, answer)
        }
    }

    /// For a refusal of ours: no backend gave an answer.
    package static func of(refusal: Refusal, lastOutcome: LedgerEntry.Outcome?, body: JobResult, _ run: Run, at now: Timestamp) -> JobDisposition {
        switch refusal.code {
        case .maxCostExceeded, .invalidRequest, .modelNotFound, .modelNotAllowed:
            return .complete(.failed, body)
        case .budgetExceeded:
            // No attempt was made; when there is money again the backend cannot say.
            return .putBack(notBefore: now + .seconds(60), reason: refusal.message)
        case .storageFull, .storageError:
            // How soon there is room is not the backend's to say, and looking costs nothing.
            return .putBack(notBefore: now + .seconds(1), reason: refusal.message)
        default:
            break
        }
        switch lastOutcome {
        case nil, .refused, .notSent:
            return .putBack(notBefore: now + self.pause(run, atLeast: refusal.retryAfter ?? .zero, at: now), reason: refusal.message)
        case .unknown, .timeout, .truncated:
            guard run.tries.doubts <= run.retryAmbiguous else { return .complete(.failed, body) }
        default:
            guard run.tries.failures < self.mostAttempts else { return .complete(.failed, body) }
        }
        return .putBack(notBefore: now + self.pause(run, atLeast: .zero, at: now), reason: refusal.message)
    }

    /// Full jitter over a span that doubles with each attempt, up to a minute; never more than a quarter of the time that is left, so that there is
    /// still time for another backend.
    private static func pause(_ run: Run, atLeast least: Duration, at now: Timestamp) -> Duration {
        let span = min(60_000, 500 << min(run.attempts, 10))
        let pause = max(least, .milliseconds(Int64(Double(span) * run.chance)))
        guard let deadline = run.deadline else { return pause }
        return min(pause, max(.milliseconds((deadline - now).milliseconds / 4), self.shortestPause))
    }
}
