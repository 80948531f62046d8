import NIOCore
import SluiceWire

/// A request that the codec has: how much of its body is still to come, and how far its answer is.
struct ColdRequest {
    private enum Body {
        case whole
        case length(left: Int)
        case chunked(ChunkedBody)
    }

    private var body = Body.whole
    /// Of the body, with its framing.
    private(set) var bytesTaken = 0
    var hasAnswerBegun = false
    /// The client sends its body when it is told to.
    private var isContinueOwed = false

    init() {}

    init(_ head: HTTPHead) {
        self.isContinueOwed = head.expectsContinue
        switch head.framing {
        case .none, .untilClose, .length(0): self.body = .whole
        case .length(let count): self.body = .length(left: count)
        case .chunked: self.body = .chunked(ChunkedBody())
        }
    }

    var isWhole: Bool {
        if case .whole = self.body { true } else { false }
    }

    /// Takes what belongs to the body; nil where more bytes are needed.
    mutating func take(from bytes: inout ByteBuffer) throws(HTTPFault) -> ByteBuffer? {
        guard bytes.readableBytes > 0 else { return nil }
        let count: Int
        switch self.body {
        case .whole:
            return nil
        case .length(let left):
            count = min(left, bytes.readableBytes)
            self.body = count == left ? .whole : .length(left: left - count)
        case .chunked(var chunks):
            var position = 0
            let isOver = try bytes.withUnsafeReadableBytes { view throws(HTTPFault) in
                while true {
                    switch try chunks.next(view, at: &position) {
                    case .data: continue
                    case .end: return true
                    case .more: return false
                    }
                }
            }
            count = position
            self.body = isOver ? .whole : .chunked(chunks)
        }
        self.bytesTaken += count
        // Who does not wait for it needs no leave.
        self.isContinueOwed = false
        return count > 0 ? bytes.readSlice(length: count) : nil
    }

    /// Whether the client waits to be told to go on; true only once.
    mutating func takeContinue() -> Bool {
        defer { self.isContinueOwed = false }
        return self.isContinueOwed && !self.hasAnswerBegun
    }
}
