import NIOCore
package import SluiceCore
import SluiceWire

/// The header lines of an answer: what the backend said of the body, and Sluice's own (`contract.md`, Response headers).
struct AnswerLines {
    struct Timing {
        var policy: Duration
        var queue: Duration
        var firstToken: Duration
    }

    let call: DispatchCall
    let candidate: Route.Candidate
    let attempt: Int
    var timing: Timing?
    var cost: LedgerEntry.Settlement?

    init(call: DispatchCall, candidate: Route.Candidate, attempt: Int) {
        self.call = call
        self.candidate = candidate
        self.attempt = attempt
    }

    /// The lines of an answer of status 2xx.
    func answer(_ head: UpstreamHead) -> AnswerHead {
        var lines = ByteBuffer()
        lines.reserveCapacity(512)
        let contentType = self.copy(head, into: &lines)
        self.writeOwn(into: &lines)
        return AnswerHead(status: head.status, lines: lines, contentType: contentType)
    }

    /// The lines of a backend's own error that is passed on.
    func problem(_ head: UpstreamHead) -> AnswerHead {
        var lines = ByteBuffer()
        lines.reserveCapacity(512)
        let contentType = self.copy(head, into: &lines)
        if let coding = head.value(of: "content-encoding") { lines.writeString("content-encoding: \(coding)\r\n") }
        lines.writeStaticString("sluice-error-source: upstream\r\n")
        self.writeOwn(into: &lines)
        return AnswerHead(status: head.status, lines: lines, contentType: contentType)
    }

    /// Copies what a client may see of a backend's head; gives the content type.
    private func copy(_ head: UpstreamHead, into lines: inout ByteBuffer) -> String {
        var contentType = ""
        head.forEachField { name, value in
            if name.equals(ignoringCase: "content-type") {
                contentType = String(decoding: value, as: UTF8.self)
            } else if !(name.equals(ignoringCase: "retry-after") || name.equals(ignoringCase: "retry-after-ms") || name.isRateLimit) {
                return
            }
            lines.writeBytes(name)
            lines.writeStaticString(": ")
            lines.writeBytes(value)
            lines.writeStaticString("\r\n")
        }
        return contentType
    }

    private func writeOwn(into lines: inout ByteBuffer) {
        let policy = self.call.live.policy
        lines.writeRequestID(self.call.subject.requestID, dialect: self.call.request.endpoint.dialect)
        lines.writeStaticString("sluice-route: ")
        lines.writeString(self.call.trafficClass.name.structuredToken)
        lines.writeStaticString(";route=")
        lines.writeStructured(self.call.subject.route)
        lines.writeStaticString(";pool=")
        lines.writeString(policy.pools[self.candidate.pool].name.structuredToken)
        lines.writeStaticString(";backend=")
        lines.writeString(policy.backends[self.candidate.backend].name.structuredToken)
        lines.writeStaticString(";attempt=")
        lines.writeString(String(self.attempt))
        lines.writeStaticString(";policy=")
        lines.writeStructured(policy.revision)
        if let last = self.call.decision.substitutions.last {
            lines.writeStaticString(";substituted=")
            lines.writeStructured("\(policy.models[self.call.decision.requested].name)->\(policy.models[self.call.decision.model].name)")
            lines.writeStaticString(";why=")
            lines.writeString(policy.substitutions[last].why.structuredToken)
        }
        lines.writeStaticString("\r\n")
        if let cost = self.cost {
            lines.writeStaticString("sluice-cost: ")
            lines.writeString(cost.cost.map(\.description) ?? "unknown")
            lines.writeStaticString(";currency=")
            lines.writeString(policy.currency)
            lines.writeStaticString(cost.evidence == .computed ? ";basis=usage\r\n" : ";basis=estimate\r\n")
        }
        if let timing = self.timing {
            lines.writeStaticString("server-timing: policy;dur=")
            lines.writeMilliseconds(timing.policy)
            lines.writeStaticString(", queue;dur=")
            lines.writeMilliseconds(timing.queue)
            lines.writeStaticString(", ttft;dur=")
            lines.writeMilliseconds(timing.firstToken)
            lines.writeStaticString("\r\n")
        }
    }
}

extension ByteBuffer {
    /// `x-request-id`, and `request-id` on Anthropic routes.
    package mutating func writeRequestID(_ id: String, dialect: Endpoint.Dialect) {
        self.writeStaticString("x-request-id: ")
        self.writeString(id)
        self.writeStaticString("\r\n")
        guard dialect == .anthropic else { return }
        self.writeStaticString("request-id: ")
        self.writeString(id)
        self.writeStaticString("\r\n")
    }

    /// A string of RFC 9651: ASCII in quotes, the rest as `?`.
    package mutating func writeStructured(_ text: String) {
        self.writeInteger(UInt8(ascii: "\""))
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }) {
            self.writeString(text)
        } else {
            for scalar in text.unicodeScalars {
                switch scalar {
                case "\"", "\\": self.writeString("\\\(scalar)")
                case " "..."~": self.writeString(String(scalar))
                default: self.writeInteger(UInt8(ascii: "?"))
                }
            }
        }
        self.writeInteger(UInt8(ascii: "\""))
    }

    /// Milliseconds with two decimals.
    fileprivate mutating func writeMilliseconds(_ duration: Duration) {
        let hundredths = max(0, duration.nanoseconds / 10_000)
        self.writeString(String(hundredths / 100))
        self.writeInteger(UInt8(ascii: "."))
        self.writeInteger(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: hundredths / 10 % 10))
        self.writeInteger(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: hundredths % 10))
    }
}

extension String {
    /// As a token of RFC 9651 where it is one, else in quotes.
    package var structuredToken: String {
        let isToken = self.utf8.first.map { ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || $0 == UInt8(ascii: "*") } ?? false
        let rest = self.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "!#$%&'*+-.^_`|~:/".utf8.contains(byte)
            }
        }
        if isToken, rest { return self }
        var buffer = ByteBuffer()
        buffer.writeStructured(self)
        return String(buffer: buffer)
    }
}

extension UnsafeRawBufferPointer {
    /// `x-ratelimit-…`, `anthropic-ratelimit-…`, `ratelimit`, `ratelimit-policy`.
    fileprivate var isRateLimit: Bool {
        let prefixes: [StaticString] = ["x-ratelimit-", "anthropic-ratelimit-", "ratelimit"]
        return prefixes.contains { prefix in
            self.count >= prefix.utf8CodeUnitCount
                && UnsafeRawBufferPointer(rebasing: self[..<prefix.utf8CodeUnitCount]).equals(ignoringCase: prefix)
        }
    }
}
