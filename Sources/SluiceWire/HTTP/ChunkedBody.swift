/// Finds the pieces of a body in the chunked transfer coding (RFC 9112, 7.1), across any splitting of the bytes.
///
/// Strict: hexadecimal sizes, CR LF everywhere, extensions of at most 1 KiB in all, trailers of at most 8 KiB that frame nothing.
package struct ChunkedBody: Sendable {
    package enum Step: Hashable, Sendable {
        /// These bytes belong to the body.
        case data(Range<Int>)
        /// The body is over; what follows belongs to the next message.
        case end
        /// All bytes are used up.
        case more
    }

    private enum State: Sendable {
        case size, sizeLineFeed, data, dataReturn, dataLineFeed, trailer, trailerLineFeed, over
    }

    private var state = State.size
    private var left = 0
    private var digits = 0
    private var isInExtension = false
    /// White space came behind the size: only an extension may follow.
    private var isPadded = false
    private var extensionBytes = 0
    private var trailerBytes = 0
    private var lineBytes = 0
    private var trailerName: [UInt8] = []
    private var isInTrailerValue = false

    package init() {}

    package var isOver: Bool { self.state == .over }

    /// Continues at `position`, which moves on.
    package mutating func next(_ bytes: UnsafeRawBufferPointer, at position: inout Int) throws(HTTPFault) -> Step {
        while position < bytes.count {
            let byte = bytes[position]
            switch self.state {
            case .data:
                let start = position
                position += min(self.left, bytes.count - start)
                self.left -= position - start
                if self.left == 0 { self.state = .dataReturn }
                return .data(start..<position)
            case .size:
                try self.size(byte)
            case .sizeLineFeed:
                guard byte == 0x0A else { throw HTTPFault(400, "a chunk size must end in CR LF") }
                self.state = self.left == 0 ? .trailer : .data
                self.digits = 0
                self.isInExtension = false
            case .dataReturn:
                guard byte == 0x0D else { throw HTTPFault(400, "a chunk is longer than it said") }
                self.state = .dataLineFeed
            case .dataLineFeed:
                guard byte == 0x0A else { throw HTTPFault(400, "a chunk must end in CR LF") }
                self.state = .size
            case .trailer:
                try self.trailer(byte)
            case .trailerLineFeed:
                guard byte == 0x0A else { throw HTTPFault(400, "a trailer must end in CR LF") }
                if self.lineBytes == 0 {
                    self.state = .over
                    position += 1
                    return .end
                }
                try self.endTrailerLine()
            case .over:
                return .end
            }
            position += 1
        }
        return self.state == .over ? .end : .more
    }

    private mutating func size(_ byte: UInt8) throws(HTTPFault) {
        if byte == 0x0D {
            guard self.digits > 0, !self.isPadded else { throw HTTPFault(400, "a chunk has no size, or space behind it") }
            self.state = .sizeLineFeed
        } else if self.isInExtension {
            self.extensionBytes += 1
            guard byte.isFieldContent, byte < 0x80, self.extensionBytes <= 1024 else { throw HTTPFault(400, "a chunk extension is malformed or too long") }
        } else if let digit = byte.hexValue, !self.isPadded {
            self.digits += 1
            guard self.digits <= 15 else { throw HTTPFault(400, "a chunk size is too large") }
            self.left = self.left << 4 | Int(digit)
        } else if byte == UInt8(ascii: ";"), self.digits > 0 {
            self.isInExtension = true
            self.isPadded = false
        } else if byte == 0x20 || byte == 0x09, self.digits > 0 {
            self.isPadded = true
        } else {
            throw HTTPFault(400, "a chunk size is no hexadecimal number")
        }
    }

    private mutating func trailer(_ byte: UInt8) throws(HTTPFault) {
        if byte == 0x0D {
            self.state = .trailerLineFeed
            return
        }
        self.lineBytes += 1
        self.trailerBytes += 1
        let isPlausible = self.isInTrailerValue ? byte.isFieldContent : byte.isToken || (byte == UInt8(ascii: ":") && self.lineBytes > 1)
        guard isPlausible, self.trailerBytes <= 8192 else { throw HTTPFault(400, "a trailer is malformed or too long") }
        if self.isInTrailerValue { return }
        if byte == UInt8(ascii: ":") { self.isInTrailerValue = true } else { self.trailerName.append(byte) }
    }

    /// A trailer must be a field, and must not say how the message is framed (RFC 9110, 6.5.1).
    private mutating func endTrailerLine() throws(HTTPFault) {
        let forbidden: [StaticString] = ["content-length", "transfer-encoding", "host"]
        let isForbidden = self.trailerName.withUnsafeBytes { name in forbidden.contains { name.equals(ignoringCase: $0) } }
        guard self.isInTrailerValue, !isForbidden else { throw HTTPFault(400, "a trailer is malformed or frames the message") }
        self.trailerName.removeAll(keepingCapacity: true)
        self.isInTrailerValue = false
        self.lineBytes = 0
        self.state = .trailer
    }
}
