import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceWire

/// Heads and framing of answers, written as bytes.
enum ResponseBytes {
    /// A whole answer in one buffer, or in two where the body is large.
    ///
    /// - Parameter isOldClient: Of HTTP/1.0, which must be told that a connection stays.
    static func whole(_ head: consuming AnswerHead, body: ByteBuffer, keepsAlive: Bool, isOldClient: Bool = false) -> (ByteBuffer, ByteBuffer?) {
        let count = body.readableBytes
        let joins = count <= AnswerHead.longestJoined
        var buffer = self.begin(head)
        buffer.write(atMost: AnswerHead.framingRoom + (joins ? count : 0)) { out in
            out.write("content-length: ")
            out.write(number: Int64(count))
            out.write(!keepsAlive ? "\r\nconnection: close\r\n\r\n" : isOldClient ? "\r\nconnection: keep-alive\r\n\r\n" : "\r\n\r\n")
            if joins { body.withUnsafeReadableBytes { out.write($0) } }
        }
        return (buffer, joins ? nil : body)
    }

    /// - Parameter isChunked: false for a client that knows no chunks: its stream ends with the connection.
    static func streamHead(_ head: consuming AnswerHead, isChunked: Bool, keepsAlive: Bool) -> ByteBuffer {
        var buffer = self.begin(head)
        buffer.write(atMost: AnswerHead.framingRoom) { out in
            out.write("cache-control: no-store\r\nx-accel-buffering: no\r\n")
            if isChunked { out.write("transfer-encoding: chunked\r\n") }
            out.write(keepsAlive ? "\r\n" : "connection: close\r\n\r\n")
        }
        return buffer
    }

    /// The status line and the lines: in the lines' own buffer where that has room for it.
    private static func begin(_ head: consuming AnswerHead) -> ByteBuffer {
        var (status, lines) = head.parts()
        let usual: StaticString = "HTTP/1.1 200 OK\r\n"
        let start = lines.readerIndex - usual.utf8CodeUnitCount
        if status == 200, start >= 0 {
            _ = lines.setStaticString(usual, at: start)
            lines.moveReaderIndex(to: start)
            return lines
        }
        var buffer = ByteBufferAllocator().buffer(capacity: lines.readableBytes + 64 + AnswerHead.framingRoom)
        self.writeStatus(status, into: &buffer)
        buffer.writeBuffer(&lines)
        return buffer
    }

    /// Puts the chunk's framing around bytes that have headroom before them.
    static func chunk(_ bytes: consuming ByteBuffer) -> ByteBuffer {
        let count = bytes.readableBytes
        let digits = max(1, (67 - count.leadingZeroBitCount) / 4)
        let start = bytes.readerIndex - digits - 2
        precondition(start >= 0, "a stream's bytes come without headroom")
        bytes.moveReaderIndex(to: start)
        bytes.withUnsafeMutableReadableBytes { memory in
            var rest = count
            for place in stride(from: digits - 1, through: 0, by: -1) {
                let digit = UInt8(truncatingIfNeeded: rest & 15)
                memory[place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                rest >>= 4
            }
            memory[digits] = 0x0D
            memory[digits + 1] = 0x0A
        }
        bytes.writeInteger(UInt16(0x0D0A))
        return bytes
    }

    /// An error of ours in the route's own shape.
    static func refusal(_ refusal: Refusal, dialect: Endpoint.Dialect, requestID: String) -> (AnswerHead, ByteBuffer) {
        var shown = refusal
        // Anthropic's clients know an overload by 529.
        if dialect == .anthropic, refusal.status == 503, refusal.code == .noBackend || refusal.code == .draining { shown.status = 529 }
        var lines = ByteBuffer()
        lines.writeStaticString("content-type: application/json\r\n")
        lines.writeRequestID(requestID, dialect: dialect)
        lines.writeStaticString(refusal.code == .upstreamFailed ? "sluice-error-source: upstream\r\n" : "sluice-error-source: gateway\r\n")
        if let seconds = refusal.retryAfterSeconds { lines.writeString("retry-after: \(seconds)\r\n") }
        lines.writeBytes(refusal.quotas.headerLines)
        lines.writeBytes(refusal.routeLine)
        if let should = refusal.shouldRetry { lines.writeString("x-should-retry: \(should)\r\n") }
        let body = ByteBuffer(bytes: ErrorBody.json(shown, dialect: dialect, requestID: requestID))
        return (AnswerHead(status: shown.status, lines: lines), body)
    }

    private static func writeStatus(_ status: Int, into buffer: inout ByteBuffer) {
        if status == 200 {
            buffer.writeStaticString("HTTP/1.1 200 OK\r\n")
        } else {
            buffer.writeStaticString("HTTP/1.1 ")
            buffer.writeString(String(status))
            buffer.writeStaticString(self.phrase(status))
        }
    }

    private static func phrase(_ status: Int) -> StaticString {
        switch status {
        case 202: " Accepted\r\n"
        case 400: " Bad Request\r\n"
        case 401: " Unauthorized\r\n"
        case 403: " Forbidden\r\n"
        case 404: " Not Found\r\n"
        case 405: " Method Not Allowed\r\n"
        case 408: " Request Timeout\r\n"
        case 409: " Conflict\r\n"
        case 413: " Content Too Large\r\n"
        case 414: " URI Too Long\r\n"
        case 415: " Unsupported Media Type\r\n"
        case 417: " Expectation Failed\r\n"
        case 422: " Unprocessable Content\r\n"
        case 429: " Too Many Requests\r\n"
        case 431: " Request Header Fields Too Large\r\n"
        case 500: " Internal Server Error\r\n"
        case 501: " Not Implemented\r\n"
        case 502: " Bad Gateway\r\n"
        case 503: " Service Unavailable\r\n"
        case 504: " Gateway Timeout\r\n"
        case 507: " Insufficient Storage\r\n"
        case 529: " Overloaded\r\n"
        default: " Answer\r\n"
        }
    }
}
