import CSocketWait
import Glibc
package import NIOCore

/// Hears what a ``SocketReader`` reads.
package protocol SocketReceiver: AnyObject {
    func socketRead(_ bytes: ByteBuffer)
    /// The connection broke.
    func socketFailed(_ error: IOError)
}

/// Reads from the socket of a channel, past the channel, as long as there is no more to say of it than that bytes came: its end, and all that the
/// channel is asked for, stay the channel's. Bound to the channel's loop.
///
/// For each read a channel looks at its selector, its state, its pipeline and a buffer of its own, and then at its pipeline again to see whether
/// it shall go on. Of hundreds of streams that take turns none of that is in the core's cache any more (see ``SocketWriter``).
package final class SocketReader {
    private static let mostRoom = 65_536

    private let socket: NIOBSDSocket.Handle
    private let turn: SocketTurn
    private var receiver: (any SocketReceiver)?
    /// How much is read at once: what comes in one piece as a rule, so that it needs no copy.
    private var room = SocketTurn.room
    /// The last read has left most of it empty.
    private var wasLittle = false

    /// Begins to read.
    ///
    /// - Parameters:
    ///   - context: Of the first handler of the channel, so that nobody stands between it and the socket. What is not read here, it hears as always.
    ///   - receiver: Kept until ``stop()``.
    /// - Returns: nil for a channel that has no socket.
    package init?(_ context: ChannelHandlerContext, turn: SocketTurn, receiver: any SocketReceiver) {
        guard let socket = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self, { $0 }) else { return nil }
        self.socket = socket
        self.turn = turn
        self.receiver = receiver
        csocketwait_watch(socket, Unmanaged.passUnretained(self).toOpaque()) { reader in
            guard let reader else { return false }
            return Unmanaged<SocketReader>.fromOpaque(reader).takeUnretainedValue().read()
        }
    }

    /// Leaves the socket to the channel. To be called as soon as that is inactive, at the latest: the number of its socket may be another's from
    /// then on.
    package func stop() {
        guard self.receiver != nil else { return }
        self.receiver = nil
        csocketwait_leave(self.socket, Unmanaged.passUnretained(self).toOpaque())
    }

    /// More after a read that has filled it, less after two that had little.
    private func makeRoom(after count: Int, of space: Int) {
        let isLittle = count <= space / 4
        if count == space {
            self.room = min(self.room * 4, SocketReader.mostRoom)
        } else if isLittle, self.wasLittle, self.room > SocketTurn.room {
            self.room /= 4
        }
        self.wasLittle = isLittle
    }

    /// False where it took nothing: the end of what the other side sends is left to the channel.
    private func read() -> Bool {
        guard let receiver = self.receiver else { return false }
        let isUsual = self.room == SocketTurn.room
        var buffer = isUsual ? self.turn.takeBuffer() : ByteBufferAllocator().buffer(capacity: self.room)
        let space = buffer.writableBytes
        var count = 0
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 0) {
            count = recv(self.socket, $0.baseAddress, $0.count, 0)
            return max(count, 0)
        }
        let error = errno
        if count > 0 {
            self.makeRoom(after: count, of: space)
            receiver.socketRead(buffer)
        }
        if isUsual { self.turn.giveBack(buffer) }
        guard count < 0, error != EAGAIN, error != EINTR else { return count > 0 }
        // The socket tells it only once, so the channel would take it for an end in good order.
        receiver.socketFailed(IOError(errnoCode: error, reason: "recv"))
        return true
    }
}
