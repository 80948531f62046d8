/// Where a bundle stands: the lines that go to a provider as one batch of its own.
///
/// The raw values are those of the database; the table of transitions below is the only one, and the guards in SQL come from it.
package enum BundleState: Int, Sendable, CaseIterable {
    /// Its jobs are taken, and nothing of it has left: after a crash they are simply given back.
    case building = 0
    /// The intents of all its lines are written; the provider may have a part of it, or all.
    case submitting = 1
    /// The provider has it under a name of its own.
    case open = 2
    /// The provider was asked to stop; what it finished meanwhile still counts.
    case cancelling = 3
    /// Every line has its end.
    case ingested = 4
    /// Nobody knows what became of it: the lines that had no end are in doubt.
    case lost = 5

    package var isTerminal: Bool {
        switch self {
        case .building, .submitting, .open, .cancelling: false
        case .ingested, .lost: true
        }
    }

    package var name: String {
        switch self {
        case .building: "building"
        case .submitting: "submitting"
        case .open: "open"
        case .cancelling: "cancelling"
        case .ingested: "ingested"
        case .lost: "lost"
        }
    }

    package enum Event: String, Sendable, CaseIterable {
        /// The intents of its lines are committed.
        case recorded
        /// The provider has named it.
        case accepted
        case cancelAsked = "cancel asked"
        /// The provider took nothing of it and will not: refused, or withdrawn before anything left.
        case refused
        /// The provider is done, and what it has to say of every line is stored.
        case ended
        case givenUp = "given up"
    }

    /// The state after `event`; nil where the event does not apply and must change nothing.
    package func after(_ event: Event) -> BundleState? {
        switch (self, event) {
        case (.building, .recorded): .submitting
        case (.submitting, .accepted): .open
        case (.open, .cancelAsked): .cancelling
        case (.submitting, .refused), (.open, .ended), (.cancelling, .ended): .ingested
        case (.submitting, .givenUp), (.open, .givenUp), (.cancelling, .givenUp): .lost
        default: nil
        }
    }

    /// The states from which `event` leads anywhere.
    package static func sources(of event: Event) -> [BundleState] { BundleState.allCases.filter { $0.after(event) != nil } }
}
