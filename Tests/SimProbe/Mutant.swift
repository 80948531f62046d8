/// A fault that is planted at a seam of the dispatcher, to see that the oracles are worth something: each must be found.
enum Mutant: String, CaseIterable {
    /// Ends of wasted attempts are not booked.
    case forgetsWaste
    /// An end is booked twice.
    case booksTwice
    /// A client is told that a stream which broke off is whole.
    case hidesCuts
    /// A call goes on although it was dropped.
    case ignoresCancel
    /// One call more than the backend's limit.
    case limitOffByOne
    /// One request a minute more than the backend's limit.
    case rateOffByOne
    /// What may have been carried out is sent once more than the class allows.
    case repeatsAmbiguous
    /// The budget of retries is never empty.
    case freeRetries
    /// Second attempts beyond the share of the class.
    case freeHedges
    /// Rate cards are a tenth too low.
    case pricesTooLow
    /// The latency budget is not the client's.
    case lateDeadline
    /// A slot is taken and never given back.
    case leaksSlot
    /// A tenant's place is taken and never given back.
    case leaksTenant
    /// Breakers are forgotten now and then.
    case forgetsBreakers
    /// The budget counts somebody else.
    case wrongSpender
    /// The clock of time-outs stands still.
    case stoppedClock
}
