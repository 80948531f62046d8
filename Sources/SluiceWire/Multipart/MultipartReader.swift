package import NIOCore

/// Why bytes are no `multipart/form-data` that is accepted here.
package struct MultipartFault: Error, Hashable, Sendable {
    package let reason: String
}

/// Reads a `multipart/form-data` body (RFC 7578) as it comes in, holding back only what may be the beginning of a boundary.
package struct MultipartReader {
    package enum Event: Hashable, Sendable {
        case part(MultipartPart)
        /// A piece of the part's content.
        case data(ByteBuffer)
        case partEnd
        /// The closing boundary; what follows is ignored.
        case end
    }

    private enum State {
        case preamble, boundaryEnd, head, content, over
    }

    private static let mostHeadBytes = 8192

    private let boundary: [UInt8]
    private var state = State.preamble
    private var pending = ByteBuffer()

    /// - Parameter contentType: The value of `Content-Type`; nil is given where it is not `multipart/form-data` with a boundary.
    package init?(contentType: String) {
        var parameters = HeaderParameters(contentType)
        guard parameters.value.lowercased() == "multipart/form-data", let boundary = parameters.take("boundary"), (1...70).contains(boundary.utf8.count) else {
            return nil
        }
        self.boundary = Array("\r\n--\(boundary)".utf8)
        // The first boundary may stand at the very beginning.
        self.pending.writeStaticString("\r\n")
    }

    package var isOver: Bool { if case .over = self.state { true } else { false } }

    /// Takes in more bytes, and gives what they complete.
    package mutating func read(_ bytes: ByteBuffer) throws(MultipartFault) -> [Event] {
        self.pending.writeImmutableBuffer(bytes)
        var events: [Event] = []
        while try self.step(&events) {}
        self.pending.discardReadBytes()
        return events
    }

    /// False where more bytes are needed.
    private mutating func step(_ events: inout [Event]) throws(MultipartFault) -> Bool {
        switch self.state {
        case .preamble:
            guard let place = self.find(self.boundary) else {
                let excess = self.pending.readableBytes - self.boundary.count + 1
                if excess > 0 { self.pending.moveReaderIndex(forwardBy: excess) }
                return false
            }
            self.pending.moveReaderIndex(forwardBy: place + self.boundary.count)
            self.state = .boundaryEnd
        case .boundaryEnd:
            return try self.endBoundary(&events)
        case .head:
            return try self.readHead(&events)
        case .content:
            guard let place = self.find(self.boundary) else {
                let sure = self.pending.readableBytes - self.boundary.count + 1
                if sure > 0, let data = self.pending.readSlice(length: sure) { events.append(.data(data)) }
                return false
            }
            if place > 0, let data = self.pending.readSlice(length: place) { events.append(.data(data)) }
            self.pending.moveReaderIndex(forwardBy: self.boundary.count)
            events.append(.partEnd)
            self.state = .boundaryEnd
        case .over:
            self.pending.clear()
            return false
        }
        return true
    }

    /// What stands behind a boundary: two dashes, or the end of the line.
    private mutating func endBoundary(_ events: inout [Event]) throws(MultipartFault) -> Bool {
        while let byte = self.pending.getInteger(at: self.pending.readerIndex, as: UInt8.self), byte == 0x20 || byte == 0x09 {
            self.pending.moveReaderIndex(forwardBy: 1)
        }
        switch self.pending.readInteger(as: UInt16.self) {
        case nil: return false
        case 0x2D2D:
            events.append(.end)
            self.state = .over
        case 0x0D0A: self.state = .head
        default: throw MultipartFault(reason: "a boundary is followed by other bytes")
        }
        return true
    }

    private mutating func readHead(_ events: inout [Event]) throws(MultipartFault) -> Bool {
        guard let place = self.find([0x0D, 0x0A, 0x0D, 0x0A]) else {
            guard self.pending.readableBytes <= MultipartReader.mostHeadBytes else { throw MultipartFault(reason: "a part's header is too large") }
            return false
        }
        guard place <= MultipartReader.mostHeadBytes, let text = self.pending.readString(length: place) else {
            throw MultipartFault(reason: "a part's header is too large")
        }
        self.pending.moveReaderIndex(forwardBy: 4)
        events.append(.part(try MultipartPart(head: text)))
        self.state = .content
        return true
    }

    /// The offset of `pattern` from the reader's index.
    private func find(_ pattern: [UInt8]) -> Int? {
        self.pending.withUnsafeReadableBytes { bytes in
            let last = bytes.count - pattern.count
            guard last >= 0 else { return nil }
            var start = 0
            while start <= last, let place = bytes[start...last].firstIndex(of: pattern[0]) {
                if pattern.indices.allSatisfy({ bytes[place + $0] == pattern[$0] }) { return place }
                start = place + 1
            }
            return nil
        }
    }
}
