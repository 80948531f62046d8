import NIOCore
import SluiceCore

/// The copy of an answer whose original is asked too (`verify:` of a substitution).
struct AnswerCopy {
    /// Of an answer that is longer than this nothing is kept, and it is not verified.
    private static let longest = 4 << 20

    private(set) var body: [UInt8]? = []

    mutating func add(_ events: ByteBuffer) {
        guard let length = self.body?.count, length + events.readableBytes <= AnswerCopy.longest else {
            self.body = nil
            return
        }
        self.body?.append(contentsOf: events.readableBytesView)
    }
}

extension DispatchRun {
    /// Hands over what is to be verified; to be called before the sink hears of the end.
    func verify(_ attempt: Attempt, _ head: UpstreamHead) {
        guard let body = self.copy?.body else { return }
        let verified = VerifiedCall(
            self.call, answer: JobResult(status: head.status, contentType: head.value(of: "content-type") ?? "application/json", body: body),
            from: attempt.upstream.backend.name, attempts: self.call.earlierAttempts + self.machine.attemptCount,
            id: self.dispatcher.nextJobID(at: self.now.wall), at: self.now.wall)
        if let verified { self.sink?.verify(verified) }
    }
}
