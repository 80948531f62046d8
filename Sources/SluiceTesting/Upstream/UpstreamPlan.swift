package import NIOCore
package import SluiceCore

/// What a scripted upstream does with one request.
package struct UpstreamPlan: Sendable {
    package enum Step: Sendable {
        /// A head; a `transfer-encoding` among the fields turns chunk framing on for the bytes that follow.
        case head(Int, [(String, String)])
        /// A piece of the body, framed as the head said, in one write.
        case bytes(ByteBuffer)
        /// As it stands, in one write.
        case raw(ByteBuffer)
        /// The last chunk, where chunks are used.
        case end
        case sleep(TimeAmount)
        /// Until the test fires it.
        case wait(Signal)
        /// Nothing more, ever.
        case stall
        /// An orderly end of the connection, with TLS's own farewell.
        case close
        /// The end of the TCP connection and no word from TLS.
        case fin
        case rst
    }

    package var steps: [Step]
    /// What a provider would bill for this answer: the ground truth.
    package var billed: TokenUsage?
    /// The id in the answer.
    package var answerID: String?

    package init(_ steps: [Step], billed: TokenUsage? = nil, answerID: String? = nil) {
        self.steps = steps
        self.billed = billed
        self.answerID = answerID
    }
}

extension UpstreamPlan.Step {
    package static func bytes(_ text: String) -> Self { .bytes(ByteBuffer(string: text)) }
    package static func raw(_ text: String) -> Self { .raw(ByteBuffer(string: text)) }
}

/// What is done with a request, decided when it has come in whole.
package typealias UpstreamBehaviour = @Sendable (UpstreamRecord) -> UpstreamPlan

/// One request as the upstream saw it, and what became of it.
package struct UpstreamRecord: Sendable {
    package enum State: Hashable, Sendable {
        case received, answered
        /// The peer went before the plan was played to its end.
        case clientGone
        /// The plan itself cut the connection.
        case cut
    }

    package let method: String
    package let path: String
    package let headers: [(name: String, value: String)]
    package let body: ByteBuffer
    /// Connections are counted from 1.
    package let connection: Int
    /// Requests are counted from 0, over all connections.
    package let number: Int
    package let arrivedAt: NIODeadline
    package var state = State.received
    /// When the peer's leaving was noticed.
    package var goneAt: NIODeadline?
    /// Body bytes and pieces that were written.
    package var sentBytes = 0
    package var sentPieces = 0
    package var billed: TokenUsage?
    package var answerID: String?

    package func header(_ name: String) -> String? {
        self.headers.first { $0.name.lowercased() == name }?.value
    }

    package var text: String { String(buffer: self.body) }
}

/// How a scripted upstream reads.
package enum UpstreamReading: Sendable {
    case whole
    /// The request is answered as soon as its head is there; what follows is read and dropped.
    case early
    /// A reset as soon as somebody connects.
    case resetAtOnce
    /// A reset after so many bytes of the body.
    case reset(afterBodyBytes: Int)
    /// Not more than so many bytes at a time, from a small receive buffer.
    case slowly(bytes: Int, every: TimeAmount)
    /// Nothing beyond the first bytes that come.
    case stall
}
