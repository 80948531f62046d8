import NIOCore
import SluiceDispatch

/// Where the events of one stream go, at hand for each of them: of hundreds of streams that take turns every object on an event's way must
/// come to the core's cache first.
struct AnswerStream {
    let writer: SocketWriter
    /// false for a client that knows no chunks.
    let isChunked: Bool

    var isWritable: Bool { self.writer.isWritable }

    /// - Parameter events: With room for the framing before them.
    func send(_ events: consuming ByteBuffer) {
        self.writer.write(self.isChunked ? ResponseBytes.chunk(events) : events)
    }
}
