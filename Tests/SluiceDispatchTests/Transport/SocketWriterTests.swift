import Glibc
import NIOCore
import NIOPosix
import SluiceDispatch
import SluiceTesting
import Testing

/// On a real connection, whose other end is a socket that is read by hand.
@Suite(.timeLimit(.minutes(1))) struct SocketWriterTests {
    @Test func whatTheSocketDoesNotTakeComesBehindItInOrder() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        let pieces = (0..<300).map { number in [UInt8](repeating: UInt8(number % 251), count: Int(random.next() % 40_000) + 1) }
        try await Connection.with { connection in
            for piece in pieces { try await connection.onLoop { $0.write(ByteBuffer(bytes: piece)) } }
            // The first megabytes fill the socket, so the rest waits in the channel.
            #expect(try await connection.onLoop { !$0.isWritable })
            let all = Array(pieces.joined())
            #expect(connection.read(all.count) == all, "seed \(seed)")
            // Once the channel has given all away the way is free again.
            while try await connection.onLoop({ !$0.isWritable }) { await Task.yield() }
            try await connection.onLoop { $0.write(ByteBuffer(string: "and on")) }
            #expect(connection.read(6) == Array("and on".utf8))
        }
    }

    @Test func aHeadAndALongBodyAreSentTogether() async throws {
        let body = [UInt8](repeating: 7, count: 30_000)
        try await Connection.with { connection in
            try await connection.onLoop {
                $0.write(ByteBuffer(string: "head"))
                $0.write(ByteBuffer(bytes: body))
            }
            #expect(connection.read(30_004) == Array("head".utf8) + body)
        }
    }

    @Test func whatItWroteComesBeforeWhatTheChannelIsGivenAfterItJoined() async throws {
        try await Connection.with { connection in
            try await connection.onLoop { writer, context in
                writer.write(ByteBuffer(string: "one "))
                writer.joinChannel()
                context.writeAndFlush(NIOAny(ByteBuffer(string: "two ")), promise: nil)
                writer.write(ByteBuffer(string: "three"))
            }
            #expect(connection.read(13) == Array("one two three".utf8))
        }
    }

    /// A number that the system has given to another socket since must not be written to.
    @Test func nothingIsWrittenToTheNextOwnerOfItsSocket() async throws {
        var pair: [CInt] = [0, 0]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
        let (other, end) = (pair[0], pair[1])
        defer { for socket in pair { close(socket) } }
        var wasReused = false
        // Somebody else in this process may be quicker to take the number.
        for _ in 0..<100 where !wasReused {
            try await Connection.with { connection in
                wasReused = try await connection.onLoop { writer, context in
                    let number = try context.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 } ?? -1
                    writer.write(ByteBuffer(string: "too late"))
                    context.close(promise: nil)
                    let next = fcntl(other, F_DUPFD, number)
                    writer.write(ByteBuffer(string: "for nobody else"))
                    writer.flush()
                    close(next)
                    return next == number
                }
            }
        }
        #expect(wasReused)
        var byte: UInt8 = 0
        #expect(recv(end, &byte, 1, Int32(MSG_DONTWAIT)) == -1)
    }
}

/// A server's end with a writer, and a client's end that is a bare socket.
private final class Connection: Sendable {
    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        var writer: SocketWriter?
        var context: ChannelHandlerContext?

        func channelActive(context: ChannelHandlerContext) {
            self.context = context
            self.writer = SocketWriter(context, turn: TurnFlush(loop: context.eventLoop))
        }

        func channelInactive(context: ChannelHandlerContext) {
            self.writer?.socketClosed()
        }
    }

    private let channel: any Channel
    private let socket: CInt

    private init(channel: any Channel, socket: CInt) {
        self.channel = channel
        self.socket = socket
    }

    static func with(_ body: (Connection) async throws -> Void) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let accepted = loop.makePromise(of: (any Channel).self)
        let server = try await ServerBootstrap(group: loop)
            .childChannelInitializer { channel in
                accepted.succeed(channel)
                return channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Handler()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let client = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(server.localAddress?.port ?? 0).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        #expect(connected == 0)
        let connection = Connection(channel: try await accepted.futureResult.get(), socket: client)
        // The writer is there once the channel is active.
        while try await loop.submit({ !connection.channel.isActive }).get() { await Task.yield() }
        try await body(connection)
        close(client)
        try? await connection.channel.close()
        try await server.close()
    }

    func onLoop<Value: Sendable>(_ body: @escaping @Sendable (SocketWriter) throws -> Value) async throws -> Value {
        try await self.onLoop { writer, _ in try body(writer) }
    }

    func onLoop<Value: Sendable>(_ body: @escaping @Sendable (SocketWriter, ChannelHandlerContext) throws -> Value) async throws -> Value {
        let handler = try await self.channel.eventLoop.submit {
            NIOLoopBound(try? self.channel.pipeline.syncOperations.handler(type: Handler.self), eventLoop: self.channel.eventLoop)
        }.get()
        return try await self.channel.eventLoop.submit {
            guard let handler = handler.value, let writer = handler.writer, let context = handler.context else { throw ChannelError.alreadyClosed }
            return try body(writer, context)
        }.get()
    }

    /// So many bytes, or fewer if no more come.
    func read(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var place = 0
        while place < count {
            let got = bytes[place...].withUnsafeMutableBytes { recv(self.socket, $0.baseAddress, $0.count, 0) }
            guard got > 0 else { break }
            place += got
        }
        return Array(bytes[..<place])
    }
}
