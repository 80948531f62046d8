import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceWire

/// Heads and framing of answers, written as bytes.
enum ResponseBytes {
    /// A whole answer in one buffer, or in two where the body is large.
    static func whole(_ head: AnswerHead, body: ByteBuffer, keepsAlive: Bool, allocator: ByteBufferAllocator) -> (ByteBuffer, ByteBuffer?) {
        let joins = body.readableBytes <= 16_384
        var buffer = allocator.buffer(capacity: head.lines.readableBytes + 96 + (joins ? body.readableBytes : 0))
        self.writeStatus(head.status, into: &buffer)
        buffer.writeImmutableBuffer(head.lines)
        buffer.writeStaticString("content-length: ")
        buffer.writeString(String(body.readableBytes))
        buffer.writeStaticString(keepsAlive ? "\r\n\r\n" : "\r\nconnection: close\r\n\r\n")
        guard joins else { return (buffer, body) }
        buffer.writeImmutableBuffer(body)
        return (buffer, nil)
    }

    static func streamHead(_ head: AnswerHead, keepsAlive: Bool, allocator: ByteBufferAllocator) -> ByteBuffer {
        var buffer = allocator.buffer(capacity: head.lines.readableBytes + 160)
        self.writeStatus(head.status, into: &buffer)
        buffer.writeImmutableBuffer(head.lines)
        buffer.writeStaticString("cache-control: no-store\r\nx-accel-buffering: no\r\ntransfer-encoding: chunked\r\n")
        buffer.writeStaticString(keepsAlive ? "\r\n" : "connection: close\r\n\r\n")
        return buffer
    }

    /// Puts the chunk's framing around bytes that have headroom before them.
    static func chunk(_ bytes: inout ByteBuffer) {
        let count = bytes.readableBytes
        var digits = 1
        while count >> (digits * 4) > 0 { digits += 1 }
        let start = bytes.readerIndex - digits - 2
        precondition(start >= 0, "a stream's bytes come without headroom")
        let hex: StaticString = "0123456789abcdef"
        for place in 0..<digits {
            bytes.setInteger(hex.utf8Start[(count >> ((digits - 1 - place) * 4)) & 15], at: start + place)
        }
        bytes.setInteger(UInt16(0x0D0A), at: start + digits)
        bytes.moveReaderIndex(to: start)
        bytes.writeInteger(UInt16(0x0D0A))
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
        if let should = refusal.shouldRetry { lines.writeString("x-should-retry: \(should)\r\n") }
        let body = ByteBuffer(bytes: ErrorBody.json(shown, dialect: dialect, requestID: requestID))
        return (AnswerHead(status: shown.status, lines: lines, contentType: "application/json"), body)
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
