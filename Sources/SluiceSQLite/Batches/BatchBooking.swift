import SluiceCore

/// What one step of a line adds to its batch.
struct BatchBooking {
    var lines = Batch.Lines()
    var outputBytes = 0
    var errorBytes = 0
    var spent = Money.zero
    var usage = TokenUsage.zero

    /// Counts the end of a line, with the length of what it wrote into a file.
    mutating func count(_ job: EndedJob, bytes: Int) {
        switch job.state {
        case .done: self.lines.done += 1
        case .failed: self.lines.failed += 1
        case .expired: self.lines.expired += 1
        case .cancelled: self.lines.cancelled += 1
        case .held, .ready, .leased, .bundled: preconditionFailure("line \(job.pub) has not ended: it is \(job.state)")
        }
        if job.state == .done { self.outputBytes += bytes } else { self.errorBytes += bytes }
    }

    /// Adds what an attempt cost, by the upper end where it is not certain, and what an answer that counts used.
    mutating func add(_ end: LedgerEntry) {
        guard let settlement = end.settlement else { return }
        self.spent = self.spent + (settlement.costHigh ?? settlement.cost ?? .zero)
        if end.kind == .settled, settlement.outcome == .ok, let usage = settlement.usage { self.usage += usage.believable }
    }

    var isNothing: Bool { self.lines == Batch.Lines() && self.spent == .zero && self.usage == .zero }
}
