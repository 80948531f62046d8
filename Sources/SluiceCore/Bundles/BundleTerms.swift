/// When work is for a provider's batch lane, how long it is gathered, and when it is called back (`queue.md` 10.6).
package enum BundleTerms {
    /// Several medium bundles beat one huge one: results come bundle by bundle, and failures stay apart.
    package static let mostLines = 2000
    package static let mostBytes = 64 << 20
    /// Fewer lines than this, with less time than that, are sooner done one by one.
    package static let leastLines = 5
    package static let shortSlack = Duration.seconds(7200)
    package static let longestGathering = Duration.seconds(300)
    /// How long a provider may take to stop.
    package static let cancelLag = Duration.seconds(600)
    /// How long what was called back may take elsewhere.
    package static let fallbackTime = Duration.seconds(300)
    /// A job that a lane has not run so often is not sent there again.
    package static let mostAttempts = 3

    /// Whether so many jobs with so much time are for a lane.
    ///
    /// - Parameter slack: Until the jobs must be on their way elsewhere, or done; nil for those without a deadline.
    package static func accepts(jobs: Int, slack: Duration?) -> Bool {
        guard let slack else { return true }
        return slack > .zero && (jobs >= self.leastLines || slack >= self.shortSlack)
    }

    /// How long the first of them waits for company.
    package static func gathering(slack: Duration?) -> Duration {
        min(self.longestGathering, slack.map { .milliseconds(max(0, $0.milliseconds / 20)) } ?? self.longestGathering)
    }

    /// Whether what was gathered goes now.
    package static func isDue(jobs: Int, waited: Duration, slack: Duration?) -> Bool {
        self.accepts(jobs: jobs, slack: slack) && (jobs >= self.mostLines || waited >= self.gathering(slack: slack))
    }

    /// When a bundle is called back, and when its jobs go on whatever becomes of it; nil where nothing else can run them.
    ///
    /// Of little time each takes its part.
    package static func recall(promotion: Timestamp?, deadline: Timestamp?, hasFallback: Bool, at now: Timestamp) -> (pull: Timestamp, hedge: Timestamp)? {
        guard hasFallback, let deadline else { return nil }
        let quarter = { (limit: Timestamp) in Duration.milliseconds(max(0, (limit - now).milliseconds / 4)) }
        let limit = min(promotion ?? deadline, deadline - min(self.fallbackTime, quarter(deadline)))
        return (limit - min(self.cancelLag, quarter(limit)), limit)
    }
}

/// Jobs of one bundle have about as much time left.
package enum SlackClass: Int, Hashable, Sendable {
    case short, hours, day, days, endless

    package init(_ slack: Duration?) {
        switch slack {
        case nil: self = .endless
        case let slack? where slack < .seconds(7200): self = .short
        case let slack? where slack < .seconds(28_800): self = .hours
        case let slack? where slack < .seconds(86_400): self = .day
        default: self = .days
        }
    }
}
