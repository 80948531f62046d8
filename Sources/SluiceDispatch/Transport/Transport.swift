package import NIOCore
package import SluiceCore

/// Carries one call to a backend and its answer back: bytes only, no meaning.
///
/// Whoever implements it keeps these rules, and the conformance suite checks them: no redirect is followed, nothing is sent twice, nothing
/// is decompressed, a connection with bytes left over is never used again, and every call ends with exactly one of
/// ``UpstreamReceiver/callEnded()`` and ``UpstreamReceiver/callFailed(_:)``, or with none after ``UpstreamCallHandle/cancel()``.
package protocol Transport: AnyObject, Sendable {
    /// Starts a call. To be called on `loop`; all that the receiver is told, it is told there; only ``UpstreamReceiver/callSent()`` may come
    /// before this returns.
    func start(_ call: UpstreamCall, on loop: any EventLoop, receiver: any UpstreamReceiver) -> any UpstreamCallHandle
}

/// What is sent.
package struct UpstreamCall: Sendable {
    package var url: BackendURL
    /// The path and query, as it goes on the wire.
    package var path: String
    /// Complete header lines, each with CR LF: all but `Host` and the framing, which the transport writes.
    package var fields: ByteBuffer
    /// More of them, of this call alone.
    package var ownFields: [UInt8]
    package var body: ByteBuffer
    package var method = Method.post
    package var connectTimeout = Duration.seconds(1)
    /// The host may resolve to private addresses.
    package var allowsPrivateAddresses = true
    /// How a simulated backend behaves; the simulated transport alone looks at it.
    package var simulation: Backend.Simulation?

    /// Only a POST has a body.
    package enum Method: String, Sendable {
        case post = "POST"
        case get = "GET"
        case delete = "DELETE"
    }

    package init(url: BackendURL, path: String, fields: ByteBuffer, ownFields: [UInt8] = [], body: ByteBuffer) {
        self.url = url
        self.path = path
        self.fields = fields
        self.ownFields = ownFields
        self.body = body
    }

    /// All lines together.
    package var allFields: ByteBuffer {
        var all = self.fields
        all.writeBytes(self.ownFields)
        return all
    }
}

/// Hears what becomes of a call, on its event loop.
package protocol UpstreamReceiver: AnyObject {
    /// The first byte of the request may have left: from here on a failure without an answer is ambiguous.
    func callSent()
    func callAnswered(_ head: UpstreamHead)
    /// A piece of the body, framing taken off.
    func callReceived(_ bytes: ByteBuffer)
    /// No more pieces for this turn of the loop: the time to flush. An end is one too.
    func callPaused()
    /// The body is whole by its framing; `untilClose` bodies end here too.
    func callEnded()
    func callFailed(_ failure: TransportFailure)
}

/// Steers a call that is under way, from its event loop.
package protocol UpstreamCallHandle: AnyObject {
    /// Drops the call and its connection; the receiver hears nothing more.
    ///
    /// - Returns: whether the first byte of the request may have left, also where the receiver has not heard so yet.
    @discardableResult
    func cancel() -> Bool
    /// Holds back further pieces until ``resume()``: the client reads slowly.
    func pause()
    func resume()
}

/// Why a call has no whole answer.
package struct TransportFailure: Error, Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Not a byte of the request left: refused, TLS.
        case notSent
        /// Nor here: there was no connection within the connect time-out, for all of which somebody waited.
        case unreached
        /// Not sent for a reason of our own: no file descriptor, no memory, a name that is not resolved. Says nothing of the backend.
        case local
        /// It was sent, and no answer came.
        case ambiguous
        /// It was sent on a new connection, and the other side closed that in good order without a byte of an answer.
        case hungUp
        /// The answer's head breaks HTTP or has a status that is none.
        case malformed
        /// The body ended before its framing said so.
        case cut
    }

    package var kind: Kind
    /// In words for the operator; no secret, no content.
    package var reason: String

    package init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }
}
