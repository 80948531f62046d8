import Glibc
package import NIOCore

/// Writes to the socket of a channel at the end of a turn, past the channel as long as that holds nothing back. Bound to the channel's loop.
///
/// On its own way a channel looks at its pipeline, its queue and its state for each write. Where hundreds of streams take turns, none of
/// that is in the core's cache any more, and looking costs more than what is looked for.
package final class SocketWriter {
    /// What is written in one turn is gathered in one buffer up to this.
    private static let longestJoined = 16_384

    private let context: ChannelHandlerContext
    private let turn: SocketTurn
    /// nil where every write takes the channel's way: it has no socket, something stands between, or it is closed.
    private var socket: NIOBSDSocket.Handle?
    private var waiting = ByteBuffer()
    /// The channel was given what the socket did not take: what follows must go behind that.
    private var isHeldBack = false
    /// The turn knows of it.
    var isExpected = false

    /// - Parameters:
    ///   - context: Of a handler of the channel. Released with the writer, which its handler lets go when it is removed.
    ///   - isBare: false where handlers before this one change what is written, as TLS does.
    package init(_ context: ChannelHandlerContext, turn: SocketTurn, isBare: Bool = true) {
        self.context = context
        self.turn = turn
        guard isBare else { return }
        self.socket = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
    }

    /// Whether the other side keeps up with what is written to it.
    package var isWritable: Bool { self.socket != nil && !self.isHeldBack || self.context.channel.isWritable }

    /// Takes bytes that are sent at the end of the turn, or with what is written before that.
    package func write(_ buffer: consuming ByteBuffer) {
        if self.goesPast {
            self.gather(buffer)
        } else {
            self.context.write(NIOAny(buffer), promise: nil)
        }
        guard !self.isExpected else { return }
        self.isExpected = true
        self.turn.add(self)
    }

    /// Sends what was written so far. To be called before the channel is closed.
    package func flush() {
        guard self.goesPast else { return self.context.flush() }
        self.send()
    }

    /// Somebody else writes to the channel from now on: what this one writes takes the same way.
    package func joinChannel() {
        self.flush()
        self.socket = nil
    }

    /// To be called as soon as the channel is inactive: the number of its socket may be another's from then on.
    package func socketClosed() {
        self.socket = nil
        self.waiting = ByteBuffer()
    }

    private var goesPast: Bool {
        guard self.socket != nil else { return false }
        guard self.isHeldBack else { return true }
        let rest = try? self.context.channel.syncOptions?.getOption(.bufferedWritableBytes)
        self.isHeldBack = rest != 0
        return !self.isHeldBack
    }

    private func gather(_ buffer: consuming ByteBuffer) {
        guard self.waiting.readableBytes > 0 else { return self.waiting = buffer }
        if self.waiting.readableBytes + buffer.readableBytes <= SocketWriter.longestJoined {
            self.waiting.writeImmutableBuffer(buffer)
            return
        }
        // More follows at once, so the kernel need not make a packet of it.
        self.send(flags: Int32(MSG_MORE))
        if self.isHeldBack { self.context.write(NIOAny(buffer), promise: nil) } else { self.waiting = buffer }
    }

    private func send(flags: Int32 = 0) {
        let count = self.waiting.readableBytes
        guard count > 0, let socket = self.socket else { return }
        let sent = self.waiting.withUnsafeReadableBytes { Glibc.send(socket, $0.baseAddress, $0.count, flags | Int32(MSG_NOSIGNAL)) }
        var rest = self.waiting
        self.waiting = ByteBuffer()
        guard sent < count else { return }
        rest.moveReaderIndex(forwardBy: max(sent, 0))
        // The channel waits until there is room, or meets the same error again and closes.
        self.isHeldBack = true
        self.context.writeAndFlush(NIOAny(rest), promise: nil)
    }
}
