/// The answer to a request with an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07), kept for at least a day.
///
/// Where the request makes a job or a batch, the answer is stored in the transaction that makes it, so that neither is ever there without the other.
package struct KeptAnswer: Sendable {
    /// The key's name and what the client sent; keys of different API keys never meet.
    package struct Key: Hashable, Sendable {
        package var scope: String
        package var key: String

        package init(scope: String, key: String) {
            self.scope = scope
            self.key = key
        }
    }

    package var key: Key
    /// SHA-256 of method, path and body.
    package var fingerprint: [UInt8]
    package var at: Timestamp
    package var status: Int
    /// Complete header lines with CR LF.
    package var lines: [UInt8]
    package var body: [UInt8]
    /// The job, file or batch that it promises or tells of: it is erased with that.
    package var subject: String?

    package init(key: Key, fingerprint: [UInt8], at: Timestamp, status: Int, lines: [UInt8], body: [UInt8], subject: String? = nil) {
        self.key = key
        self.fingerprint = fingerprint
        self.at = at
        self.status = status
        self.lines = lines
        self.body = body
        self.subject = subject
    }
}

/// Answers under idempotency keys.
package protocol AnswerStore: Sendable {
    typealias Completion<Value> = @Sendable (Result<Value, StoreError>) -> Void

    /// Keeps an answer; the first one under a key stays, unless it only promised the answer of the same subject.
    func keep(_ answer: KeptAnswer, then: @escaping Completion<Void>)
    /// Forgets answers from before `limit`; gives how many.
    func forgetAnswers(before limit: Timestamp, then: @escaping Completion<Int>)
    /// Blocks for a read.
    func answer(to key: KeptAnswer.Key) throws(StoreError) -> KeptAnswer?
}
