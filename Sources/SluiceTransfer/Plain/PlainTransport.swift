package import NIOCore
import NIOPosix
import SluiceCore
package import SluiceDispatch

/// HTTP/1.1 to `http://` backends over NIO channels of the call's own event loop: no header objects, no hop between threads.
package final class PlainTransport: Transport {
    private let pools: [ObjectIdentifier: NIOLoopBoundBox<PlainPool>]

    package init(group: any EventLoopGroup) {
        var pools: [ObjectIdentifier: NIOLoopBoundBox<PlainPool>] = [:]
        for loop in group.makeIterator() {
            pools[ObjectIdentifier(loop)] = NIOLoopBoundBox.makeBoxSendingValue(PlainPool(loop: loop), eventLoop: loop)
        }
        self.pools = pools
    }

    package func start(_ call: UpstreamCall, on loop: any EventLoop, receiver: any UpstreamReceiver) -> any UpstreamCallHandle {
        guard let pool = self.pools[ObjectIdentifier(loop)] else {
            preconditionFailure("a call was started on a loop that is not of the transport's group")
        }
        return pool.value.start(call, receiver: receiver)
    }
}

/// The connections of one event loop.
private final class PlainPool {
    /// llama.cpp and vLLM close idle connections after 5 s; a call must not meet that.
    private static let idleLimit = TimeAmount.seconds(4)

    private let loop: any EventLoop
    private var hosts: [String: PlainHost] = [:]

    init(loop: any EventLoop) {
        self.loop = loop
    }

    func start(_ call: UpstreamCall, receiver: any UpstreamReceiver) -> any UpstreamCallHandle {
        let host = self.host(of: call.url)
        let exchange = PlainExchange(call: call, host: host, receiver: receiver)
        if let connection = host.takeIdle(notOlderThan: .now() - PlainPool.idleLimit) {
            connection.begin(exchange)
        } else {
            self.connect(exchange)
        }
        return exchange
    }

    private func host(of url: BackendURL) -> PlainHost {
        let authority = url.authority
        if let host = self.hosts[authority] { return host }
        let host = PlainHost(authority: authority, loop: self.loop)
        self.hosts[authority] = host
        return host
    }

    private func connect(_ exchange: PlainExchange) {
        let call = exchange.call
        let bootstrap = ClientBootstrap(group: self.loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            // One read a wake-up: a second one would mostly find nothing, and costs a system call.
            .channelOption(.maxMessagesPerRead, value: 1)
            .connectTimeout(.nanoseconds(call.connectTimeout.nanoseconds))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(PlainConnection()) }
            }
        let connected: EventLoopFuture<any Channel>
        if let address = try? SocketAddress(ipAddress: call.url.host, port: call.url.port) {
            connected = bootstrap.connect(to: address)
        } else {
            connected = bootstrap.connect(host: call.url.host, port: call.url.port)
        }
        connected.hop(to: self.loop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.connected(channel, exchange)
            case .failure(let error): exchange.fail(PlainPool.failure(of: error))
            }
        }
    }

    private func connected(_ channel: any Channel, _ exchange: PlainExchange) {
        guard !exchange.isOver, let connection = try? channel.pipeline.syncOperations.handler(type: PlainConnection.self) else {
            return channel.close(promise: nil)
        }
        if !exchange.call.allowsPrivateAddresses, channel.remoteAddress.map({ BackendURL.isPrivate(address: $0.ipAddress ?? "") }) ?? true {
            channel.close(promise: nil)
            return exchange.fail(TransportFailure(.notSent, "the name resolves to a private address, and the backend is not `internal`"))
        }
        connection.begin(exchange)
    }

    private static func failure(of error: any Error) -> TransportFailure {
        if let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL].contains(error.errnoCode) {
            return TransportFailure(.local, "no connection could be opened: \(error)")
        }
        if error is NIOConnectionError { return TransportFailure(.notSent, "the connection was refused or the name is unknown") }
        if case ChannelError.connectTimeout = error { return TransportFailure(.notSent, "no connection within the connect time-out") }
        return TransportFailure(.notSent, "no connection: \(error)")
    }
}

/// One host and port, with its idle connections and what was learnt of its manners.
final class PlainHost {
    /// Whether a connection outlives a streamed answer there: some servers close it although they announce keep-alive.
    private enum Manners {
        case unknown(survived: Int)
        case keeps, closes
    }

    private static let probation = TimeAmount.milliseconds(20)

    let authority: String
    let loop: any EventLoop
    private(set) var idle: [(connection: PlainConnection, since: NIODeadline)] = []
    private var afterStreams = Manners.unknown(survived: 0)

    init(authority: String, loop: any EventLoop) {
        self.authority = authority
        self.loop = loop
    }

    /// The connection that was used last; ones that idled too long are closed.
    func takeIdle(notOlderThan limit: NIODeadline) -> PlainConnection? {
        guard let last = self.idle.popLast() else { return nil }
        if last.since >= limit { return last.connection }
        last.connection.close()
        for entry in self.idle { entry.connection.close() }
        self.idle.removeAll()
        return nil
    }

    /// Takes a connection back after an answer.
    func giveBack(_ connection: PlainConnection, afterStream: Bool) {
        guard afterStream else { return self.idle.append((connection, .now())) }
        switch self.afterStreams {
        case .keeps: self.idle.append((connection, .now()))
        case .closes: connection.close()
        case .unknown(let survived):
            let bound = NIOLoopBound((self, connection), eventLoop: self.loop)
            self.loop.scheduleTask(in: PlainHost.probation) {
                let (host, connection) = bound.value
                guard connection.isUsable else { return host.afterStreams = .closes }
                if case .unknown = host.afterStreams { host.afterStreams = survived >= 2 ? .keeps : .unknown(survived: survived + 1) }
                host.idle.append((connection, .now()))
            }
        }
    }

    func forget(_ connection: PlainConnection) {
        self.idle.removeAll { $0.connection === connection }
    }
}

/// One call on its way over a plain connection.
final class PlainExchange: UpstreamCallHandle {
    let call: UpstreamCall
    let host: PlainHost
    private(set) var receiver: (any UpstreamReceiver)?
    weak var connection: PlainConnection?
    private(set) var isPaused = false

    init(call: UpstreamCall, host: PlainHost, receiver: any UpstreamReceiver) {
        self.call = call
        self.host = host
        self.receiver = receiver
    }

    var isOver: Bool { self.receiver == nil }

    func cancel() -> Bool {
        self.receiver = nil
        guard let connection = self.connection else { return false }
        connection.abandon()
        return true
    }

    func pause() {
        self.isPaused = true
        self.connection?.setReading(false)
    }

    func resume() {
        self.isPaused = false
        self.connection?.setReading(true)
    }

    func fail(_ failure: TransportFailure) {
        let receiver = self.receiver
        self.receiver = nil
        receiver?.callFailed(failure)
    }

    func end() {
        let receiver = self.receiver
        self.receiver = nil
        receiver?.callEnded()
    }
}
