import NIOCore
import SluiceCore

/// The copy of an answer whose original is asked too (`verify:` of a substitution).
struct AnswerCopy {
    private(set) var body: [UInt8]? = []

    mutating func add(_ events: ByteBuffer) {
        guard let length = self.body?.count, length + events.readableBytes <= VerifiedCall.longest else {
            self.body = nil
            return
        }
        self.body?.append(contentsOf: events.readableBytesView)
    }
}

extension DispatchRun {
    /// What is to be verified of a whole answer; nil for most.
    func verified(_ attempt: Attempt) -> VerifiedCall? {
        guard let body = self.copy?.body, let head = attempt.head else { return nil }
        return VerifiedCall(
            self.call, answer: JobResult(status: head.status, contentType: head.value(of: "content-type") ?? "application/json", body: body),
            from: attempt.upstream.backend.name, attempts: self.call.earlierAttempts + self.machine.attemptCount,
            id: self.dispatcher.nextJobID(at: self.now.wall), at: self.now.wall)
    }

    /// Flags the end of an attempt whose answer was longer than what is copied.
    func mark(_ end: inout LedgerEntry.Settlement) {
        if let copy = self.copy, copy.body == nil { end.flags.append(.unverified) }
    }
}
