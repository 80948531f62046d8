import NIOCore
import SluiceCore
import SluiceWire

/// What the client is told beside the answer.
extension DispatchRun {
    func lines(of head: UpstreamHead, _ attempt: Attempt, cost: CostLine?, bodyBytes: Int, at now: Now) -> AnswerHead {
        var lines = AnswerLines(call: self.call, candidate: attempt.candidate, attempt: self.call.earlierAttempts + attempt.number)
        lines.timing = AnswerLines.Timing(
            policy: self.call.decisionTime, queue: self.call.queued ?? self.roomWait.map { attempt.started - $0 } ?? .zero,
            connect: head.connectTime ?? .zero, firstToken: now.monotonic - self.call.arrived.monotonic)
        lines.cost = cost
        lines.quotas = self.quotaLines
        return lines.answer(head, room: bodyBytes <= AnswerHead.longestJoined ? bodyBytes : 0)
    }

    /// What stands beside the usage of a stream, for a client that asked for usage.
    func usageNote(for attempt: Attempt, facts: AnswerFacts) -> String? {
        guard self.call.request.wantsUsage else { return nil }
        let end = self.meter.answered(
            .ok, status: 200, candidate: attempt.candidate, facts: facts, share: self.share(of: attempt, at: self.now), at: self.now.wall)
        var note: [UInt8] = []
        note.append(text: "{\"cost\":")
        note.append(text: end.cost.map { "\"\($0)\"" } ?? "null")
        note.append(text: ",\"currency\":")
        note.append(jsonString: self.call.live.policy.currency)
        note.append(text: ",\"route\":")
        note.append(jsonString: self.call.subject.route)
        note.append(text: ",\"backend\":")
        note.append(jsonString: attempt.upstream.backend.name)
        note.append(UInt8(ascii: "}"))
        return String(decoding: note, as: UTF8.self)
    }
}
