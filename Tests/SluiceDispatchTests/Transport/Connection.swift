import Glibc
import NIOCore
import NIOPosix
import SluiceDispatch
import Testing

/// A server's end with a reader and a writer, and a client's end that is a bare socket.
final class Connection: Sendable {
    /// Notes what it hears.
    final class Handler: ChannelInboundHandler, SocketReceiver {
        typealias InboundIn = ByteBuffer
        private(set) var reader: SocketReader?
        private(set) var writer: SocketWriter?
        private(set) var context: ChannelHandlerContext?
        /// As they came.
        private(set) var pieces: [ByteBuffer] = []
        private(set) var piecesPast = 0
        private(set) var errors: [any Error] = []
        private(set) var isInactive = false
        /// When it last heard anything.
        private(set) var latest = NIODeadline.now()
        var answer: ByteBuffer?

        func channelActive(context: ChannelHandlerContext) {
            self.context = context
            let turn = SocketTurn(loop: context.eventLoop)
            self.writer = SocketWriter(context, turn: turn)
            self.reader = SocketReader(context, turn: turn, receiver: self)
        }

        func channelInactive(context: ChannelHandlerContext) {
            self.isInactive = true
            self.latest = .now()
            self.writer?.socketClosed()
            self.reader?.stop()
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.note(self.unwrapInboundIn(data))
        }

        private func note(_ bytes: ByteBuffer) {
            self.pieces.append(bytes)
            self.latest = .now()
            if let answer = self.answer { self.writer?.write(answer) }
        }

        func socketRead(_ bytes: ByteBuffer) {
            self.piecesPast += 1
            self.note(bytes)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { self.errors.append(error) }
        func socketFailed(_ error: IOError) { self.errors.append(error) }

        var count: Int { self.pieces.reduce(0) { $0 + $1.readableBytes } }
    }

    struct Heard: Sendable {
        var bytes: [UInt8]
        var pieces: Int
        var piecesPast: Int
        var longest: Int
        var errors: Int
    }

    let channel: any Channel
    private let socket: CInt

    private let handler: NIOLoopBound<Handler>

    private init(channel: any Channel, handler: NIOLoopBound<Handler>, socket: CInt) {
        self.channel = channel
        self.handler = handler
        self.socket = socket
    }

    /// On a loop of its own, so that nobody else's sockets share its turns.
    static func with(_ body: (Connection) async throws -> Void) async throws {
        try await Self.withLoop { loop in try await self.with(on: loop, body) }
    }

    static func withLoop(_ body: (any EventLoop) async throws -> Void) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            try await body(group.next())
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    static func with(on loop: any EventLoop, _ body: (Connection) async throws -> Void) async throws {
        let accepted = loop.makePromise(of: ((any Channel), NIOLoopBound<Handler>).self)
        let server = try await ServerBootstrap(group: loop)
            .childChannelInitializer { channel in
                let handler = Handler()
                accepted.succeed((channel, NIOLoopBound(handler, eventLoop: channel.eventLoop)))
                return channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let client = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(server.localAddress?.port ?? 0).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        // A test that waits for what does not come fails, and holds up no other.
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        #expect(connected == 0)
        let (channel, handler) = try await accepted.futureResult.get()
        let connection = Connection(channel: channel, handler: handler, socket: client)
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
        try await self.withHandler { handler in
            guard let writer = handler.writer, let context = handler.context else { throw ChannelError.alreadyClosed }
            return try body(writer, context)
        }
    }

    func withHandler<Value: Sendable>(_ body: @escaping @Sendable (Handler) throws -> Value) async throws -> Value {
        try await self.channel.eventLoop.submit { try body(self.handler.value) }.get()
    }

    /// What the handler heard so far.
    func heard() async throws -> Heard {
        try await self.withHandler { handler in
            Heard(
                bytes: handler.pieces.flatMap { Array($0.readableBytesView) }, pieces: handler.pieces.count, piecesPast: handler.piecesPast,
                longest: handler.pieces.map(\.readableBytes).max() ?? 0, errors: handler.errors.count)
        }
    }

    /// Waits until it is so.
    func until(_ condition: @escaping @Sendable (Handler) -> Bool) async throws {
        while try await !self.withHandler(condition) { await Task.yield() }
    }

    func send(_ bytes: [UInt8]) {
        var place = 0
        while place < bytes.count {
            let sent = bytes[place...].withUnsafeBytes { Glibc.send(self.socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { return }
            place += sent
        }
    }

    /// Ends what the client sends and reads, in good order.
    func hangUp() { shutdown(self.socket, Int32(SHUT_RDWR)) }

    /// Breaks the connection off, as a process that dies with unread bytes does.
    func reset() {
        var address = sockaddr(sa_family: sa_family_t(AF_UNSPEC), sa_data: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        connect(self.socket, &address, socklen_t(MemoryLayout<sockaddr>.size))
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
