package import NIOCore

/// Sends what was written in one turn of an event loop together, at the turn's end. Bound to that loop.
///
/// A write to a socket wakes whoever waits on the other side; when many are written in a row, the other side is awake after the first.
package final class TurnFlush {
    /// So many are not held back for the rest of a long turn.
    private static let most = 32

    private let loop: any EventLoop
    private var waiting: [SocketWriter] = []
    private var isExpected = false

    package init(loop: any EventLoop) {
        self.loop = loop
    }

    /// Flushes the writer, soon.
    func add(_ writer: SocketWriter) {
        self.waiting.append(writer)
        if self.waiting.count >= TurnFlush.most { return self.flush() }
        guard !self.isExpected else { return }
        self.isExpected = true
        let bound = NIOLoopBound(self, eventLoop: self.loop)
        self.loop.execute { bound.value.turnEnded() }
    }

    private func turnEnded() {
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
