package import HummingbirdCore
package import Logging
package import NIOCore
import NIOHTTPTypes
import NIOSSL

/// The codec and Hummingbird behind the hot path, set up only when a connection's first other request comes: most connections never
/// need it, and it costs memory.
final class ColdDoor: Sendable {
    private let http: HTTP1Channel
    private let logger: Logger
    private let promise: EventLoopPromise<HTTP1Channel.Value?>

    init(http: HTTP1Channel, loop: any EventLoop, logger: Logger) {
        self.http = http
        self.logger = logger
        self.promise = loop.makePromise()
    }

    var opened: EventLoopFuture<HTTP1Channel.Value?> { self.promise.futureResult }

    /// Adds the codec behind the hot path; to be called on the channel's loop.
    func open(_ channel: any Channel) {
        self.http.setup(channel: channel, logger: self.logger).map { $0 }.cascade(to: self.promise)
    }

    /// The connection is over without any need for the codec.
    func stayShut() {
        self.promise.succeed(nil)
    }
}

/// An API connection as Hummingbird's server sees it: our byte handler first, its own HTTP/1 behind the door.
package struct APIChannel: ServerChildChannel {
    package struct Value: ServerChildChannelValue {
        package let channel: any Channel
        fileprivate let door: ColdDoor
    }

    private let http: HTTP1Channel
    private let serverLoops: ServerLoops
    private let tls: ListenerTLS?

    package init(http: HTTP1Channel, serverLoops: ServerLoops, tls: ListenerTLS?) {
        self.http = http
        self.serverLoops = serverLoops
        self.tls = tls
    }

    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let door = ColdDoor(http: self.http, loop: channel.eventLoop, logger: logger)
            let server = self.serverLoops.server(on: channel.eventLoop)
            try channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1)
            // One read a wake-up: a second one would mostly find nothing.
            try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
            if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.context)) }
            try channel.pipeline.syncOperations.addHandler(HotConnection(server: server, coldDoor: door, isBare: self.tls == nil))
            return Value(channel: channel, door: door)
        }
    }

    package func handle(value: Value, logger: Logger) async {
        if let http = try? await value.door.opened.get() { await self.http.handle(value: http, logger: logger) }
        // The listener hears of the end on its own loop; were this over before, that loop could be gone by then.
        try? await value.channel.closeFuture.get()
    }
}

/// The servers of all event loops.
package final class ServerLoops: Sendable {
    private let servers: [ObjectIdentifier: NIOLoopBound<ServerLoop>]

    package init(_ servers: [NIOLoopBound<ServerLoop>], loops: [any EventLoop]) {
        self.servers = Dictionary(uniqueKeysWithValues: zip(loops, servers).map { (ObjectIdentifier($0), $1) })
    }

    func server(on loop: any EventLoop) -> ServerLoop {
        guard let server = self.servers[ObjectIdentifier(loop)] else { preconditionFailure("an event loop without a server") }
        return server.value
    }

    /// Does something on each loop and waits until all have done it.
    package func onEach(_ loops: [any EventLoop], _ body: @escaping @Sendable (ServerLoop) -> Void) async throws {
        for loop in loops {
            try await loop.submit { body(self.server(on: loop)) }.get()
        }
    }
}

/// Stands behind the codec's encoder and tells the hot path when an answer of Hummingbird's has passed.
final class ColdAnswerMarker: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPResponsePart

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = self.unwrapOutboundIn(data)
        if case .body = part { return context.write(data, promise: promise) }
        let hot = try? context.pipeline.syncOperations.handler(type: HotConnection.self)
        if case .head = part { hot?.coldAnswerBegan() }
        context.write(data, promise: promise)
        guard case .end = part else { return }
        // The bytes are on their way before anything that waits behind them.
        context.flush()
        hot?.coldAnswerEnded()
    }
}
