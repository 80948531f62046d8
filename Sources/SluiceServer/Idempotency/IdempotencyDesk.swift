import Crypto
import NIOCore
package import SluiceCore
import Synchronization

/// Where requests with an `Idempotency-Key` are told apart: the first one runs, its like gets the same answer, and another body is refused.
package final class IdempotencyDesk: Sendable {
    /// Larger answers are not kept: their key is free again.
    static let largestKept = 8 << 20

    let answers: any AnswerStore
    private enum Entry {
        case running([UInt8])
        /// Answered, and on its way to disk.
        case answered(KeptAnswer)
    }

    private let entries = Mutex<[KeptAnswer.Key: Entry]>([:])

    package init(answers: any AnswerStore) {
        self.answers = answers
    }

    /// Takes the key for one request; blocks for a read.
    ///
    /// - Returns: The answer that was given before; nil where this request is the first. Then ``release(_:)`` must follow.
    /// - Throws: 422 where the key came with another request, 409 where the first one still runs.
    func claim(_ key: KeptAnswer.Key, _ fingerprint: [UInt8]) throws -> KeptAnswer? {
        let earlier = self.entries.withLock { entries -> Entry? in
            if let earlier = entries[key] { return earlier }
            entries[key] = .running(fingerprint)
            return nil
        }
        switch earlier {
        case .answered(let kept):
            guard kept.fingerprint == fingerprint else { throw IdempotencyDesk.mismatch }
            return kept
        case .running(let print):
            guard print == fingerprint else { throw IdempotencyDesk.mismatch }
            throw Refusal(
                409, .idempotencyInFlight, "the first request with this Idempotency-Key still runs; ask again in a moment", retryAfter: .seconds(1))
        case nil:
            break
        }
        do {
            guard let kept = try self.answers.answer(to: key) else { return nil }
            guard kept.fingerprint == fingerprint else { throw IdempotencyDesk.mismatch }
            self.release(key)
            return kept
        } catch {
            self.release(key)
            throw error
        }
    }

    private static var mismatch: Refusal {
        Refusal(422, .idempotencyMismatch, "this Idempotency-Key came with another request before; use a new key", shouldRetry: false)
    }

    func release(_ key: KeptAnswer.Key) {
        self.entries.withLock { $0[key] = nil }
    }

    /// Keeps an answer that no transaction of a job or a batch has kept.
    func keep(_ answer: KeptAnswer) {
        self.entries.withLock { $0[answer.key] = .answered(answer) }
        self.answers.keep(answer) { _ in self.release(answer.key) }
    }

    /// Whether an answer is worth keeping: the fault of a request is found again by itself, and a client may mend it under the same key.
    static func isKept(_ status: Int) -> Bool {
        switch status {
        case 400, 401, 403, 404, 413, 415, 422, 429: false
        default: status < 500
        }
    }

    static func fingerprint(_ method: String, _ path: String, _ body: ByteBuffer) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: Array("\(method) \(path)\n".utf8))
        body.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        return Array(hash.finalize())
    }
}
