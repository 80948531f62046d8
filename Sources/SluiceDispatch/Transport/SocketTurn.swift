import CSocketWait
package import NIOCore

/// What the sockets of an event loop's clients share, and those of its backends: the buffer that they are read into, and that what was written in
/// one turn of the loop is sent together, at the turn's end. Bound to that loop.
///
/// A write to a socket wakes whoever waits on the other side; when many are written in a row, the other side is awake after the first.
package final class SocketTurn {
    /// So many are not held back for the rest of a long turn.
    private static let most = 32
    /// Holds any head, and all that comes of a stream at a time.
    static let room = 2048

    private let loop: any EventLoop
    private var waiting: [SocketWriter] = []
    private var isExpected = false
    private var buffer = ByteBuffer()

    package init(loop: any EventLoop) {
        self.loop = loop
    }

    /// An empty buffer: the same as before, in the core's cache, unless somebody kept what was read into it, as one does with a body.
    func takeBuffer() -> ByteBuffer {
        var buffer = ByteBuffer()
        swap(&buffer, &self.buffer)
        guard buffer.capacity > 0 else { return ByteBufferAllocator().buffer(capacity: SocketTurn.room) }
        buffer.clear()
        return buffer
    }

    func giveBack(_ buffer: consuming ByteBuffer) {
        self.buffer = buffer
    }

    /// Flushes the writer, soon.
    func add(_ writer: SocketWriter) {
        self.waiting.append(writer)
        if self.waiting.count >= SocketTurn.most { return self.flush() }
        guard !self.isExpected else { return }
        self.isExpected = true
        // Retained until then: what is read before the end may let everybody else go.
        let kept = Unmanaged.passRetained(self)
        let isNoted = csocketwait_then(kept.toOpaque()) { turn in
            if let turn { Unmanaged<SocketTurn>.fromOpaque(turn).takeRetainedValue().ended() }
        }
        guard !isNoted else { return }
        kept.release()
        let bound = NIOLoopBound(self, eventLoop: self.loop)
        self.loop.execute { bound.value.ended() }
    }

    private func ended() {
        self.isExpected = false
        self.flush()
    }

    private func flush() {
        // A flush may come back here: a channel that fails is closed, and its exchange ends.
        var writers: [SocketWriter] = []
        swap(&writers, &self.waiting)
        for writer in writers {
            writer.isExpected = false
            writer.flush()
        }
        writers.removeAll(keepingCapacity: true)
        if self.waiting.isEmpty { self.waiting = writers }
    }
}
