/// Where a job stands. Terminal states are hard: nothing leaves them but a deliberate retry under a new generation.
///
/// The raw values are those of the database; the table of transitions below is the only one, and the guards in SQL, the diagram in
/// the documentation and the model test come from it.
package enum JobState: Int, Sendable, CaseIterable {
    /// Its window has not opened yet.
    case held = 0
    /// May run as soon as a backend has room.
    case ready = 1
    /// With a worker.
    case leased = 2
    /// Part of a provider's own batch.
    case bundled = 3
    case done = 4
    case failed = 5
    case expired = 6
    case cancelled = 7

    package var isTerminal: Bool {
        switch self {
        case .held, .ready, .leased, .bundled: false
        case .done, .failed, .expired, .cancelled: true
        }
    }

    /// The word in every output; `leased` and `bundled` are both running.
    package var name: String {
        switch self {
        case .held: "held"
        case .ready: "ready"
        case .leased, .bundled: "running"
        case .done: "done"
        case .failed: "failed"
        case .expired: "expired"
        case .cancelled: "cancelled"
        }
    }

    package static func named(_ name: String) -> [JobState] { JobState.allCases.filter { $0.name == name } }

    /// What can happen to a job.
    package enum Event: String, Sendable, CaseIterable {
        case windowOpened = "window opened"
        case promoted
        case leasedByWorker = "leased"
        case bundledUpstream = "bundled"
        case answered
        /// By a line of a bundle that the job no longer waited for: the first result counts.
        case answeredElsewhere = "answered elsewhere"
        case failedForGood = "failed for good"
        case putBack = "put back"
        case putBackToWait = "put back to wait"
        case deadlinePassed = "deadline passed"
        case cancelRequested = "cancelled"
        case retried = "retried"
        /// A new policy gives it other pools, times or terms.
        case requeued
        case requeuedToWait = "requeued to wait"
    }

    /// The state after `event`; nil where the event does not apply and must change nothing.
    package func after(_ event: Event) -> JobState? {
        switch (self, event) {
        case (.held, .windowOpened), (.held, .promoted), (.ready, .promoted): .ready
        case (.ready, .leasedByWorker): .leased
        case (.ready, .bundledUpstream): .bundled
        case (.leased, .answered), (.bundled, .answered): .done
        case (.held, .answeredElsewhere), (.ready, .answeredElsewhere), (.leased, .answeredElsewhere): .done
        case (.leased, .failedForGood), (.bundled, .failedForGood): .failed
        case (.leased, .putBack), (.bundled, .putBack): .ready
        case (.leased, .putBackToWait), (.bundled, .putBackToWait): .held
        case (.held, .deadlinePassed), (.ready, .deadlinePassed), (.leased, .deadlinePassed), (.bundled, .deadlinePassed): .expired
        case (.held, .cancelRequested), (.ready, .cancelRequested), (.leased, .cancelRequested), (.bundled, .cancelRequested): .cancelled
        case (.failed, .retried), (.cancelled, .retried), (.expired, .retried): .ready
        case (.held, .requeued), (.ready, .requeued): .ready
        case (.held, .requeuedToWait), (.ready, .requeuedToWait): .held
        default: nil
        }
    }

    /// The states from which `event` leads anywhere: the guard of the statement that carries it out.
    package static func sources(of event: Event) -> [JobState] { JobState.allCases.filter { $0.after(event) != nil } }
}
