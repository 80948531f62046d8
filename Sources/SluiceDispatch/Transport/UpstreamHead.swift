package import NIOCore
import SluiceCore
import SluiceWire

/// The status and the header lines of an answer, looked through once.
package struct UpstreamHead: Sendable {
    package let status: Int
    /// Header lines as they came, each with CR LF, without the status line and the empty line.
    package let lines: ByteBuffer
    /// The body's end is told by the connection's end only, so that a cut is not seen as one.
    package let endsWithConnection: Bool
    /// How long it took to open the connection, TLS included; nil where it was open already, or nobody measured.
    package var connectTime: Duration?

    /// The answer is a stream of server-sent events.
    package private(set) var isEventStream = false
    /// The body is in a content coding other than `identity`.
    package private(set) var isCoded = false
    /// There are fields besides the content type that a client may see: rate limits, a time to wait.
    package private(set) var namesLimits = false
    private var contentType: (name: Range<Int>, value: Range<Int>)?

    package init(status: Int, lines: ByteBuffer, endsWithConnection: Bool) {
        self.status = status
        self.lines = lines
        self.endsWithConnection = endsWithConnection
        lines.withUnsafeReadableBytes { bytes in
            var fields = FieldLines(bytes)
            while let field = fields.next() { self.note(field.name, field.value, in: bytes) }
        }
    }

    private mutating func note(_ name: Range<Int>, _ value: Range<Int>, in bytes: UnsafeRawBufferPointer) {
        let text = UnsafeRawBufferPointer(rebasing: bytes[name])
        switch bytes[name.lowerBound] | 0x20 {
        case UInt8(ascii: "c"):
            if name.count == 12, self.contentType == nil, text.equals(ignoringCase: "content-type") {
                self.contentType = (name, value)
                self.isEventStream = UnsafeRawBufferPointer(rebasing: bytes[value]).begins(with: "text/event-stream")
            } else if name.count == 16, text.equals(ignoringCase: "content-encoding") {
                self.isCoded = self.isCoded || !UnsafeRawBufferPointer(rebasing: bytes[value]).equals(ignoringCase: "identity")
            }
        case UInt8(ascii: "r"), UInt8(ascii: "x"), UInt8(ascii: "a"):
            if text.isShownToClients { self.namesLimits = true }
        default:
            break
        }
    }

    /// The value of the first field with this name, which is in lower case.
    package func value(of name: StaticString) -> String? {
        self.lines.withUnsafeReadableBytes { bytes in
            var fields = FieldLines(bytes)
            while let field = fields.next() {
                guard UnsafeRawBufferPointer(rebasing: bytes[field.name]).equals(ignoringCase: name) else { continue }
                return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[field.value]), as: UTF8.self)
            }
            return nil
        }
    }

    /// What ``writeShown(into:hidesLimits:)`` writes at most.
    var longestShown: Int { self.namesLimits ? self.lines.readableBytes * 2 : 4 + (self.contentType.map { $0.name.count + $0.value.count } ?? 0) }

    /// Writes the lines that a client may see.
    ///
    /// - Parameter hidesLimits: The client has limits of Sluice's own, whose headers these would contradict.
    func writeShown(into out: inout ByteWriter, hidesLimits: Bool) {
        self.lines.withUnsafeReadableBytes { bytes in
            if let contentType { out.write(bytes, contentType.name, contentType.value) }
            guard self.namesLimits else { return }
            var fields = FieldLines(bytes)
            while let field = fields.next() {
                let name = UnsafeRawBufferPointer(rebasing: bytes[field.name])
                guard name.isShownToClients, !(hidesLimits && name.isOpenAILimit) else { continue }
                out.write(bytes, field.name, field.value)
            }
        }
    }
}

/// Goes through header lines, each with CR LF, and gives the places of names and values as they came.
struct FieldLines {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    mutating func next() -> (name: Range<Int>, value: Range<Int>)? {
        let start = self.position
        var colon = start
        while colon < self.bytes.count, self.bytes[colon] != UInt8(ascii: ":") { colon += 1 }
        let end = self.lineEnd(from: colon)
        guard start < colon, colon < end else { return nil }
        var first = colon + 1
        while first < end, self.bytes[first] == 0x20 || self.bytes[first] == 0x09 { first += 1 }
        var last = end
        while last > first, self.bytes[last - 1] == 0x20 || self.bytes[last - 1] == 0x09 { last -= 1 }
        self.position = end + 2
        return (start..<colon, first..<last)
    }

    private func lineEnd(from start: Int) -> Int {
        var index = start
        while index + ByteWord.size <= self.bytes.count {
            let marks = ByteWord(self.bytes, at: index).marks(of: 0x0D)
            guard marks == 0 else { return index + ByteWord.bytesBefore(marks) }
            index += ByteWord.size
        }
        while index < self.bytes.count, self.bytes[index] != 0x0D { index += 1 }
        return index
    }
}

extension ByteWriter {
    fileprivate mutating func write(_ bytes: UnsafeRawBufferPointer, _ name: Range<Int>, _ value: Range<Int>) {
        self.write(UnsafeRawBufferPointer(rebasing: bytes[name]))
        self.write(": ")
        self.write(UnsafeRawBufferPointer(rebasing: bytes[value]))
        self.write("\r\n")
    }
}

extension UnsafeRawBufferPointer {
    /// `retry-after`, `retry-after-ms`, `x-ratelimit-…`, `anthropic-ratelimit-…`, `ratelimit`, `ratelimit-policy`.
    fileprivate var isShownToClients: Bool {
        self.isOpenAILimit || self.begins(with: "anthropic-ratelimit-")
            || self.equals(ignoringCase: "retry-after") || self.equals(ignoringCase: "retry-after-ms")
    }

    /// Headers that Sluice writes itself where it has limits.
    fileprivate var isOpenAILimit: Bool { self.begins(with: "x-ratelimit-") || self.begins(with: "ratelimit") }

    fileprivate func begins(with text: StaticString) -> Bool {
        self.count >= text.utf8CodeUnitCount && UnsafeRawBufferPointer(rebasing: self[..<text.utf8CodeUnitCount]).equals(ignoringCase: text)
    }
}
