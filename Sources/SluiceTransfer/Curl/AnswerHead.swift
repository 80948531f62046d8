import NIOCore
import SluiceDispatch
import SluiceWire

/// Collects the lines of an answer's head as libcurl hands them out, interim answers included, and reads them strictly.
struct AnswerHead {
    enum Step {
        case more
        case complete
        /// The lines are no head of HTTP, with the reason.
        case broken(String)
    }

    /// Bytes of all heads of one answer, the interim ones included.
    private static let limit = 65_536
    /// Interim answers before the answer itself.
    private static let interimLimit = 100

    private(set) var head = HTTPHead()
    private(set) var isComplete = false
    private(set) var isHTTP2 = false
    private var lines: [UInt8] = []
    private var total = 0
    private var interims = 0

    /// Begins anew, for another call.
    mutating func reset() {
        self.lines.removeAll(keepingCapacity: true)
        self.isComplete = false
        self.isHTTP2 = false
        self.total = 0
        self.interims = 0
    }

    /// Takes one line with its end. Lines after the head, which are trailers, are not looked at.
    mutating func take(_ line: UnsafeRawBufferPointer) -> Step {
        guard !self.isComplete else { return .more }
        self.total += line.count
        guard self.total <= AnswerHead.limit else { return .broken("the head is longer than \(AnswerHead.limit) bytes") }
        if self.lines.isEmpty, line.count > 10, line.starts(with: "HTTP/2 ".utf8) {
            // libcurl writes a status line for HTTP/2, where there is none: the rest is read as if it were HTTP/1.1.
            self.isHTTP2 = true
            self.lines.append(contentsOf: "HTTP/1.1 ".utf8)
            self.lines.append(contentsOf: line[7..<10])
            self.lines.append(contentsOf: "\r\n".utf8)
        } else {
            self.lines.append(contentsOf: line)
        }
        guard line.count <= 2, line.last == 0x0A else { return .more }
        return self.read()
    }

    private mutating func read() -> Step {
        var limits = HTTPHead.Limits()
        limits.head = AnswerHead.limit
        do throws(HTTPFault) {
            let lines = self.lines
            guard try self.scan(lines, limits) else { return .broken("the head ends in the middle of a line") }
        } catch {
            return .broken(error.reason)
        }
        switch self.head.status {
        case 101:
            return .broken("the status is 101, though no other protocol was asked for")
        case 100..<200:
            self.lines.removeAll(keepingCapacity: true)
            self.interims += 1
            return self.interims > AnswerHead.interimLimit ? .broken("more than \(AnswerHead.interimLimit) interim answers") : .more
        default:
            self.isComplete = true
            return .complete
        }
    }

    private mutating func scan(_ lines: [UInt8], _ limits: HTTPHead.Limits) throws(HTTPFault) -> Bool {
        let result = lines.withUnsafeBytes { bytes in
            Result { () throws(HTTPFault) in try self.head.scanAnswer(bytes, limits: limits) }
        }
        return try result.get()
    }

    /// What the receiver gets.
    var upstreamHead: UpstreamHead {
        let first = (self.lines.firstIndex(of: 0x0A) ?? 0) + 1
        let lines = self.lines[first..<max(first, self.head.length - 2)]
        return UpstreamHead(
            status: self.head.status, lines: ByteBuffer(bytes: lines), endsWithConnection: self.head.framing == .untilClose && !self.isHTTP2
        )
    }
}
