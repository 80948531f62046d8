/// What a substitute answered, and the job that asks the original the same: what `verify:` of a substitution keeps.
package struct Verification: Sendable {
    /// Of kind ``Job/Kind/verification``, with the answer of the original as its result.
    package var job: Job
    /// The rule that substituted.
    package var rule: String
    /// The substitute's name in the policy, and where it ran.
    package var substitute: String
    package var backend: String
    /// What the client got; without its body in lists.
    package var answer: JobResult

    package init(job: Job, rule: String, substitute: String, backend: String, answer: JobResult) {
        self.job = job
        self.rule = rule
        self.substitute = substitute
        self.backend = backend
        self.answer = answer
    }
}

/// A verification on its way into the queue, with the call that asks the original.
package struct VerificationOrder: Sendable {
    package let verification: Verification
    package let call: StoredCall

    package init(_ verification: Verification, call: StoredCall) {
        self.verification = verification
        self.call = call
    }
}

/// Verifications on disk, among the jobs. They go with the answers of jobs (`retention: { results }`), and with the job that they verify
/// when its client erases that.
package protocol VerificationStore: Sendable {
    typealias Completion<Value> = @Sendable (Result<Value, StoreError>) -> Void

    /// Puts the job into the queue and keeps the substitute's answer beside it. Does nothing where the request is verified already.
    func verify(_ order: VerificationOrder, then: @escaping Completion<Void>)

    /// Newest first, strictly after the job `after`, which gives nil where it is unknown.
    func verifications(tenant: String?, limit: Int, after: String?) throws(StoreError) -> (page: [Verification], hasMore: Bool)?

    /// Both answers, by the id of the job or that of the request; the original's is nil while there is none.
    func verification(_ id: String) throws(StoreError) -> (verification: Verification, original: JobResult?)?
}
