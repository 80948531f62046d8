package import NIOCore
package import SluiceCore
import SluiceWire

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
    package var body: ByteBuffer
    package var connectTimeout = Duration.seconds(1)
    /// The host may resolve to private addresses.
    package var allowsPrivateAddresses = true
    /// The index of the backend in its policy; the simulated transport alone looks at it.
    package var backend: Backend

    package init(url: BackendURL, path: String, fields: ByteBuffer, body: ByteBuffer, backend: Backend) {
        self.url = url
        self.path = path
        self.fields = fields
        self.body = body
        self.backend = backend
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

/// The status and the header lines of an answer.
package struct UpstreamHead: Sendable {
    package var status: Int
    /// Header lines as they came, each with CR LF, without the status line and the empty line.
    package var lines: ByteBuffer
    /// The body's end is told by the connection's end only, so that a cut is not seen as one.
    package var endsWithConnection: Bool
    /// How long it took to open the connection, TLS included; nil where it was open already, or nobody measured.
    package var connectTime: Duration?

    package init(status: Int, lines: ByteBuffer, endsWithConnection: Bool) {
        self.status = status
        self.lines = lines
        self.endsWithConnection = endsWithConnection
    }

    /// The value of the first field with this name, which is in lower case.
    package func value(of name: StaticString) -> String? {
        var found: String?
        self.forEachField { field, value in
            if found == nil, field.equals(ignoringCase: name) { found = String(decoding: value, as: UTF8.self) }
        }
        return found
    }

    /// Goes through the fields: name and value as they came.
    package func forEachField(_ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void) {
        self.lines.withUnsafeReadableBytes { bytes in
            var start = 0
            while start < bytes.count {
                var colon = start
                while colon < bytes.count, bytes[colon] != UInt8(ascii: ":") { colon += 1 }
                var end = colon
                while end < bytes.count, bytes[end] != 0x0D { end += 1 }
                guard colon < end else { return }
                var first = colon + 1
                while first < end, bytes[first] == 0x20 || bytes[first] == 0x09 { first += 1 }
                var last = end
                while last > first, bytes[last - 1] == 0x20 || bytes[last - 1] == 0x09 { last -= 1 }
                body(UnsafeRawBufferPointer(rebasing: bytes[start..<colon]), UnsafeRawBufferPointer(rebasing: bytes[first..<last]))
                start = end + 2
            }
        }
    }
}

/// Why a call has no whole answer.
package struct TransportFailure: Error, Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Not a byte of the request left: refused, TLS, connect time-out.
        case notSent
        /// Not sent for a reason of our own: no file descriptor, no memory, a name that is not resolved. Says nothing of the backend.
        case local
        /// It was sent, and no answer came.
        case ambiguous
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
