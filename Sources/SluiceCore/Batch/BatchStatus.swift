/// Where a batch stands. Nothing is finalised: output files are views of the lines' results, so `finalizing` is passed in the transaction that
/// ends the last line and never stored.
///
/// The raw values are those of the database. The table below is the only one: guards, diagram and model test come from it.
package enum BatchStatus: Int, Sendable, CaseIterable {
    /// Its file is being checked.
    case validating = 0
    case inProgress = 1
    /// Lines that wait are ended, those in flight dropped.
    case cancelling = 2
    case completed = 3
    /// The file was not fit to run; there are no lines.
    case failed = 4
    case expired = 5
    case cancelled = 6

    package var isTerminal: Bool {
        switch self {
        case .validating, .inProgress, .cancelling: false
        case .completed, .failed, .expired, .cancelled: true
        }
    }

    /// The word of OpenAI's Batch API.
    package var name: String {
        switch self {
        case .validating: "validating"
        case .inProgress: "in_progress"
        case .cancelling: "cancelling"
        case .completed: "completed"
        case .failed: "failed"
        case .expired: "expired"
        case .cancelled: "cancelled"
        }
    }

    package enum Event: String, Sendable, CaseIterable {
        case validated
        case refused
        case cancelRequested = "cancelled"
        /// The last open line ended, and none ended because of the deadline.
        case finished
        /// The last open line ended, and at least one because of the deadline.
        case ranOut = "ran out of time"
        case retried
    }

    /// The status after `event`; nil where the event does not apply and must change nothing.
    package func after(_ event: Event) -> BatchStatus? {
        switch (self, event) {
        case (.validating, .validated): .inProgress
        case (.validating, .refused): .failed
        case (.validating, .cancelRequested): .cancelled
        case (.inProgress, .cancelRequested): .cancelling
        case (.inProgress, .finished): .completed
        case (.inProgress, .ranOut), (.validating, .ranOut): .expired
        case (.cancelling, .finished), (.cancelling, .ranOut): .cancelled
        case (.completed, .retried), (.expired, .retried), (.cancelled, .retried): .inProgress
        default: nil
        }
    }

    /// The statuses from which `event` leads anywhere.
    package static func sources(of event: Event) -> [BatchStatus] { BatchStatus.allCases.filter { $0.after(event) != nil } }
}
