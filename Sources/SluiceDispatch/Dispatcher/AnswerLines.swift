package import NIOCore
package import SluiceCore
import SluiceWire

/// The header lines of an answer: what the backend said of the body, and Sluice's own (`contract.md`, Response headers).
struct AnswerLines {
    struct Timing {
        var policy: Duration
        var queue: Duration
        /// Zero where the connection was there already.
        var connect: Duration
        var firstToken: Duration
    }

    let call: DispatchCall
    let candidate: Route.Candidate
    let attempt: Int
    var timing: Timing?
    var cost: CostLine?
    /// Lines of Sluice's own limits; then the backend's are not shown.
    var quotas: [UInt8] = []

    init(call: DispatchCall, candidate: Route.Candidate, attempt: Int) {
        self.call = call
        self.candidate = candidate
        self.attempt = attempt
    }

    /// The lines of an answer of status 2xx.
    ///
    /// - Parameter room: Bytes that will follow the lines in the same buffer.
    func answer(_ head: UpstreamHead, room: Int) -> AnswerHead {
        self.head(head, room: room, more: [])
    }

    /// The lines of a backend's own error that is passed on.
    func problem(_ head: UpstreamHead) -> AnswerHead {
        var more: [UInt8] = []
        if let coding = head.value(of: "content-encoding") { more.append(text: "content-encoding: \(coding)\r\n") }
        more.append(text: "sluice-error-source: upstream\r\n")
        return self.head(head, room: 0, more: more)
    }

    /// The line that says where the call went.
    var routeLine: [UInt8] {
        let route = self.route
        return [UInt8](atMost: route.longest) { route.write(attempt: self.attempt, into: &$0) }
    }

    private func head(_ head: UpstreamHead, room: Int, more: [UInt8]) -> AnswerHead {
        let id = self.call.subject.requestID
        let route = self.route
        let own = self.quotas.count + ByteWriter.longestRequestID(id) + route.longest + self.call.live.policy.currency.utf8.count + 256
        let longest = head.longestShown + more.count + own
        var lines = ByteBufferAllocator().buffer(capacity: AnswerHead.statusRoom + longest + AnswerHead.framingRoom + room)
        lines.moveWriterIndex(forwardBy: AnswerHead.statusRoom)
        lines.moveReaderIndex(forwardBy: AnswerHead.statusRoom)
        lines.write(atMost: longest) { out in
            head.writeShown(into: &out, hidesLimits: !self.quotas.isEmpty)
            out.write(more)
            out.write(self.quotas)
            out.writeRequestID(id, dialect: self.call.request.endpoint.dialect)
            route.write(attempt: self.attempt, into: &out)
            self.cost?.write(currency: self.call.live.policy.currency, into: &out)
            self.writeTiming(into: &out)
        }
        return AnswerHead(status: head.status, lines: lines)
    }

    private var route: RouteLine {
        let words = self.call.live.words
        // A job may have been routed by another policy than the one that is in force now.
        let name = words.routes[self.call.decision.route]
        return RouteLine(
            trafficClass: words.classes[self.call.decision.trafficClass],
            route: name.text == self.call.subject.route ? name.structured : LivePolicy.Words.structured(self.call.subject.route),
            pool: words.pools[self.candidate.pool], backend: words.backends[self.candidate.backend], policy: words.revision,
            substituted: self.substituted)
    }

    private var substituted: [UInt8] {
        let (policy, decision) = (self.call.live.policy, self.call.decision)
        guard decision.model != decision.requested else { return [] }
        return RouteLine.substituted(
            policy.models[decision.requested].name, by: policy.models[decision.model].name, decision.substitutions.last.map { policy.substitutions[$0] })
    }

    private func writeTiming(into out: inout ByteWriter) {
        guard let timing = self.timing else { return }
        out.write("server-timing: policy;dur=")
        out.writeMilliseconds(timing.policy)
        out.write(", queue;dur=")
        out.writeMilliseconds(timing.queue)
        out.write(", connect;dur=")
        out.writeMilliseconds(timing.connect)
        out.write(", ttft;dur=")
        out.writeMilliseconds(timing.firstToken)
        out.write("\r\n")
    }
}

extension ByteBuffer {
    /// `x-request-id`, and `request-id` on Anthropic routes.
    package mutating func writeRequestID(_ id: String, dialect: Endpoint.Dialect) {
        self.write(atMost: ByteWriter.longestRequestID(id)) { $0.writeRequestID(id, dialect: dialect) }
    }
}

extension ByteWriter {
    fileprivate static func longestRequestID(_ id: String) -> Int { 2 * id.utf8.count + 32 }

    fileprivate mutating func writeRequestID(_ id: String, dialect: Endpoint.Dialect) {
        self.write("x-request-id: ")
        self.write(text: id)
        self.write("\r\n")
        guard dialect == .anthropic else { return }
        self.write("request-id: ")
        self.write(text: id)
        self.write("\r\n")
    }

    /// Milliseconds with two decimals.
    fileprivate mutating func writeMilliseconds(_ duration: Duration) {
        let hundredths = UInt64(max(0, duration.nanoseconds / 10_000))
        self.write(digits: hundredths / 100, width: 1)
        self.write(UInt8(ascii: "."))
        self.write(digits: hundredths % 100, width: 2)
    }
}
