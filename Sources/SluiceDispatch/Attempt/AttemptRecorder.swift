package import NIOCore
package import SluiceCore

/// Writes down what attempts were meant to do before they do it, and what became of them: once for live traffic, once for deferred.
///
/// To be called on the event loop of the call.
package protocol AttemptRecorder: AnyObject {
    /// Records an intent. `then` is called on the call's event loop, at once or later, before a byte of the attempt leaves; with an error
    /// the attempt must not be made.
    func begin(_ intent: AttemptIntent, then: @escaping (StoreError?) -> Void)
    /// Records the one end of an attempt. For live traffic it survives the process from here on.
    func end(_ entry: LedgerEntry)
}

/// Takes the answer of a call, on the call's event loop.
package protocol AnswerSink: AnyObject {
    /// A whole answer: an error of ours or of a backend's, or a body that was not streamed. Nothing comes after it.
    func answer(_ head: consuming AnswerHead, body: ByteBuffer)
    func refuse(_ refusal: Refusal)
    /// The head of a stream; its events follow.
    func begin(_ head: consuming AnswerHead)
    /// Whole events. The buffer has ``AnswerHead/headroom`` bytes of room before its first byte, for the framing.
    func send(_ events: consuming ByteBuffer)
    /// The stream is over; the client is told so by the framing.
    ///
    /// - Parameter isWhole: false where it broke off, which its last event says.
    func finish(isWhole: Bool)
    /// The answer that is about to end is to be verified: its end comes once `then` is called, on the same event loop, when that is sure.
    func verify(_ call: VerifiedCall, then: @escaping () -> Void)
    /// Whether more can be taken without piling up.
    var isWritable: Bool { get }
}

extension AnswerSink {
    /// For sinks whose calls are never substituted.
    package func verify(_ call: VerifiedCall, then: @escaping () -> Void) { then() }

    func finish(with events: ByteBuffer?, isWhole: Bool) {
        if let events, events.readableBytes > 0 { self.send(events) }
        self.finish(isWhole: isWhole)
    }
}

/// Status and header lines of an answer; framing, date and connection headers are the sink's.
package struct AnswerHead: Sendable {
    /// Room before the bytes of a stream, for the framing of a chunk.
    package static let headroom = 12
    /// Room that ``lines`` may have before them, for a status line.
    package static let statusRoom = 24
    /// Room that it may have behind them, for what ends the head.
    package static let framingRoom = 128
    /// Bodies up to this share the head's buffer.
    package static let longestJoined = 16_384

    package let status: Int
    /// Complete lines, each with CR LF. What was made for one answer has room for the rest of it behind them.
    package let lines: ByteBuffer

    package init(status: Int, lines: ByteBuffer) {
        self.status = status
        self.lines = lines
    }

    /// Gives the lines away, so that whoever goes on with them need not copy them.
    package consuming func parts() -> (status: Int, lines: ByteBuffer) { (self.status, self.lines) }

    /// Empty where there is none.
    package var contentType: String {
        UpstreamHead(status: self.status, lines: self.lines, endsWithConnection: false).value(of: "content-type") ?? ""
    }
}
