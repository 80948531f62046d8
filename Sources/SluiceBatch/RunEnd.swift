import SluiceCore
import SluiceDispatch

/// How a run leaves its job: what the store is told of it, in one piece.
struct RunEnd: Sendable {
    enum Outcome: Sendable {
        case complete(JobState, JobResult?)
        case putBack(notBefore: Timestamp, reason: String)
    }

    let job: String
    let lease: Lease
    let outcome: Outcome
    let attempts: [LedgerEntry]
    /// To be verified where the job is done with this run's answer.
    var verified: VerifiedCall?
    let at: Timestamp

    /// - Parameter then: Called from any thread with whether this run still held the lease.
    func write(to store: any JobStore, then: @escaping @Sendable (Result<Bool, StoreError>) -> Void) {
        switch self.outcome {
        case .complete(let state, let result):
            store.complete(self.lease, as: state, result: result, ends: self.attempts, verification: self.verified?.order, at: self.at, then: then)
        case .putBack(let notBefore, let reason):
            store.putBack(self.lease, notBefore: notBefore, error: reason, ends: self.attempts, at: self.at, then: then)
        }
    }

    /// What those who wait for the job are told once it is written.
    var event: JobEnd? {
        switch self.outcome {
        case .complete(.expired, _): .expired
        case .complete(.cancelled, _): .cancelled
        case .complete(_, let result): result.map { .answered($0) }
        case .putBack: nil
        }
    }
}
