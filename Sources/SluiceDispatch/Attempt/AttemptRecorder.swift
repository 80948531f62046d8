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
    func answer(_ head: AnswerHead, body: ByteBuffer)
    func refuse(_ refusal: Refusal)
    /// The head of a stream; its events follow.
    func begin(_ head: AnswerHead)
    /// Whole events. The buffer has ``AnswerHead/headroom`` bytes of room before its first byte, for the framing.
    func send(_ events: ByteBuffer)
    /// The stream is over; the client is told so by the framing.
    ///
    /// - Parameter isWhole: false where it broke off, which its last event says.
    func finish(isWhole: Bool)
    /// Whether more can be taken without piling up.
    var isWritable: Bool { get }
}

/// Status and header lines of an answer; framing, date and connection headers are the sink's.
package struct AnswerHead: Sendable {
    package static let headroom = 12

    package var status: Int
    /// Complete lines, each with CR LF.
    package var lines: ByteBuffer
    package var contentType: String

    package init(status: Int, lines: ByteBuffer, contentType: String) {
        self.status = status
        self.lines = lines
        self.contentType = contentType
    }
}
