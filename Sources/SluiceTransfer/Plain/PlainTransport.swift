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
    private let turn: SocketTurn
    /// A handful as a rule: they are looked through in their order, which costs less than a hash.
    private var hosts: [PlainHost] = []

    init(loop: any EventLoop) {
        self.loop = loop
        self.turn = SocketTurn(loop: loop)
    }

    func start(_ call: UpstreamCall, receiver: any UpstreamReceiver) -> any UpstreamCallHandle {
        let host = self.host(of: call)
        let exchange = PlainExchange(call: call, host: host, receiver: receiver)
        if let connection = host.takeIdle(at: .now(), limit: PlainPool.idleLimit) {
            connection.begin(exchange)
        } else {
            self.connect(exchange)
        }
        return exchange
    }

    /// Connections are shared by calls with the same rights only.
    private func host(of call: UpstreamCall) -> PlainHost {
        if let host = self.hosts.first(where: { $0.serves(call) }) { return host }
        let host = PlainHost(of: call, loop: self.loop, turn: self.turn)
        self.hosts.append(host)
        return host
    }

    private func connect(_ exchange: PlainExchange) {
        let call = exchange.call
        let dialling = NIOLoopBound(exchange, eventLoop: self.loop)
        let bootstrap = ClientBootstrap(group: self.loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            // So that an end in good order is told apart from a reset.
            .channelOption(.allowRemoteHalfClosure, value: true)
            // One read a wake-up: a second one would mostly find nothing, and costs a system call.
            .channelOption(.maxMessagesPerRead, value: 1)
            .connectTimeout(.nanoseconds(call.connectTimeout.nanoseconds))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(PlainConnection())
                    try dialling.value.dials(channel)
                }
            }
        let connected: EventLoopFuture<any Channel>
        if let address = try? SocketAddress(ipAddress: call.url.host, port: call.url.port) {
            guard call.allowsPrivateAddresses || !BackendURL.isPrivate(address: call.url.host) else { return self.refusePrivate(exchange) }
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
        exchange.hasDialled()
        guard !exchange.isOver, let connection = try? channel.pipeline.syncOperations.handler(type: PlainConnection.self) else {
            return channel.close(promise: nil)
        }
        if !exchange.call.allowsPrivateAddresses, channel.remoteAddress.map({ BackendURL.isPrivate(address: $0.ipAddress ?? "") }) ?? true {
            channel.close(promise: nil)
            return self.refusePrivate(exchange)
        }
        connection.begin(exchange)
    }

    private func refusePrivate(_ exchange: PlainExchange) {
        let bound = NIOLoopBound(exchange, eventLoop: self.loop)
        self.loop.execute {
            bound.value.fail(TransportFailure(.notSent, "the address is private, and the backend is not `internal`"))
        }
    }

    private static func failure(of error: any Error) -> TransportFailure {
        if let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL].contains(error.errnoCode) {
            return TransportFailure(.local, "no connection could be opened: \(error)")
        }
        if let error = error as? NIOConnectionError {
            if PlainPool.isSilent(error) { return PlainPool.unreached }
            return error.connectionErrors.isEmpty
                ? TransportFailure(.local, "the name \(error.host) cannot be resolved") : TransportFailure(.notSent, "the connection was refused")
        }
        if case ChannelError.connectTimeout = error { return PlainPool.unreached }
        return TransportFailure(.notSent, "no connection: \(error)")
    }

    /// None of the addresses of a name refused: it took the whole time-out to learn of one at least.
    private static func isSilent(_ error: NIOConnectionError) -> Bool {
        error.connectionErrors.contains { if case ChannelError.connectTimeout = $0.error { true } else { false } }
    }

    private static let unreached = TransportFailure(.unreached, "no connection within the connect time-out")
}

/// One host and port, with its idle connections and what was learnt of its habits.
final class PlainHost {
    let authority: String
    let loop: any EventLoop
    let turn: SocketTurn
    private let url: BackendURL
    private let allowsPrivateAddresses: Bool
    private var idle: [(connection: PlainConnection, since: NIODeadline, after: ConnectionHabit.Answer)] = []
    private var habit = ConnectionHabit()

    init(of call: UpstreamCall, loop: any EventLoop, turn: SocketTurn) {
        self.authority = call.url.authority
        self.loop = loop
        self.turn = turn
        self.url = call.url
        self.allowsPrivateAddresses = call.allowsPrivateAddresses
    }

    func serves(_ call: UpstreamCall) -> Bool {
        self.url.port == call.url.port && self.url.host == call.url.host && self.allowsPrivateAddresses == call.allowsPrivateAddresses
    }

    /// The connection that was used last, unless the host may just be closing it; ones that idled too long are closed.
    func takeIdle(at now: NIODeadline, limit: TimeAmount) -> PlainConnection? {
        guard !self.habit.isInDoubt(at: now.uptimeNanoseconds) else { return nil }
        while let last = self.idle.popLast() {
            self.habit.used(after: last.after, idleSince: last.since.uptimeNanoseconds)
            guard last.connection.isUsable else { continue }
            if last.since + limit >= now { return last.connection }
            // All that are below it idled longer.
            let rest = self.idle
            self.idle.removeAll()
            for entry in rest {
                self.habit.used(after: entry.after, idleSince: entry.since.uptimeNanoseconds)
                entry.connection.close()
            }
            last.connection.close()
        }
        return nil
    }

    /// Takes a connection back after an answer.
    func giveBack(_ connection: PlainConnection, after answer: ConnectionHabit.Answer) {
        let now = NIODeadline.now()
        self.habit.becameIdle(after: answer, at: now.uptimeNanoseconds)
        self.idle.append((connection, now, answer))
    }

    /// The host closed a connection.
    func closed(_ connection: PlainConnection) {
        guard let index = self.idle.firstIndex(where: { $0.connection === connection }) else { return }
        let entry = self.idle.remove(at: index)
        self.habit.closed(after: entry.after, idleSince: entry.since.uptimeNanoseconds, at: NIODeadline.now().uptimeNanoseconds)
    }
}

/// One call on its way over a plain connection.
final class PlainExchange: UpstreamCallHandle {
    let call: UpstreamCall
    let host: PlainHost
    private(set) var receiver: (any UpstreamReceiver)?
    /// Given while the call is on a connection.
    var connection: PlainConnection?
    private(set) var isPaused = false
    var wasSent = false
    /// Channels that connect for the call: several where its host's name has several addresses.
    private var dialling: [any Channel] = []

    init(call: UpstreamCall, host: PlainHost, receiver: any UpstreamReceiver) {
        self.call = call
        self.host = host
        self.receiver = receiver
    }

    var isOver: Bool { self.receiver == nil }

    func cancel() -> Bool {
        self.receiver = nil
        self.connection?.abandon()
        self.connection = nil
        let dialling = self.dialling
        self.dialling = []
        for channel in dialling { channel.close(promise: nil) }
        return self.wasSent
    }

    /// Notes a channel that is about to connect.
    ///
    /// - Throws: Where the call was cancelled: the next address of a name must not be tried.
    fileprivate func dials(_ channel: any Channel) throws {
        guard !self.isOver else { throw ChannelError.operationUnsupported }
        self.dialling.append(channel)
    }

    /// A channel is connected; the bootstrap itself closes the others.
    fileprivate func hasDialled() {
        self.dialling = []
    }

    func pause() {
        self.isPaused = true
        self.connection?.pause()
    }

    func resume() {
        self.isPaused = false
        self.connection?.goOn()
    }

    func fail(_ failure: TransportFailure) {
        let receiver = self.receiver
        self.receiver = nil
        self.connection = nil
        receiver?.callFailed(failure)
    }

    func end() {
        let receiver = self.receiver
        self.receiver = nil
        self.connection = nil
        receiver?.callEnded()
    }
}
