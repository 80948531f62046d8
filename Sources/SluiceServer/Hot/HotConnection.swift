import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceWire

/// The first handler behind the socket of an API connection: takes inference requests over as bytes, and hands everything else on to
/// NIO's codec and Hummingbird behind it.
///
/// Every head is scanned here, so the strict rules hold for both kinds. One request at a time: what is pipelined waits until the answer
/// before it is written, hot and cold ones in their order.
final class HotConnection: ChannelDuplexHandler, SocketReceiver {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// Between requests, or inside a head.
        case head
        case hotBody(HotRequest)
        /// The body of a request that the codec has.
        case coldBody
        /// The codec's answer is awaited.
        case coldAnswer
        case exchange(LiveExchange)
        /// Nothing more is read.
        case closing
    }

    /// Pipelined bytes beyond this are left in the socket.
    private static let mostPending = 1 << 20

    let server: ServerLoop
    /// Its place in the loop's list.
    var place = -1
    private var state = State.head
    private var head = HTTPHead()
    private var pending = ByteBuffer()
    private(set) var context: ChannelHandlerContext?
    private var writer: SocketWriter?
    private var reader: SocketReader?
    private let isBare: Bool
    private let coldDoor: ColdDoor
    private var isColdOpen = false
    /// The last that the codec was given.
    private var cold = ColdRequest()
    /// One too many: it is told so, whatever it asks.
    private var isExcess = false
    private var isReadingStopped = false
    private var isProcessing = false
    private var keepsAlive = true
    /// When the head, the body or the wait for the next request began: what deadlines are counted from.
    private var since: MonotonicInstant?
    private var isInsideHead = false
    /// Since when the client takes nothing, and how much waits for it.
    private var unwritableSince: MonotonicInstant?
    private var bytesLeft = 0

    /// - Parameter isBare: Nothing stands between it and the socket.
    init(server: ServerLoop, coldDoor: ColdDoor, isBare: Bool) {
        self.server = server
        self.isBare = isBare
        self.coldDoor = coldDoor
    }

    // MARK: ChannelDuplexHandler

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.writer = SocketWriter(context, turn: self.server.turn, isBare: self.isBare)
        if self.isBare { self.reader = SocketReader(context, turn: self.server.turn, receiver: self) }
        self.server.add(self)
        self.isExcess = !self.server.share.enter()
        self.since = self.server.readClock().monotonic
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.leaveSocket()
        self.context = nil
        self.writer = nil
        self.reader = nil
        self.server.remove(self)
        if !self.isExcess { self.server.share.leave() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.take(self.unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if self.isColdOpen { context.fireChannelReadComplete() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.leaveSocket()
        self.lost()
        self.coldDoor.stayShut()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.lost()
        if self.isColdOpen { context.fireErrorCaught(error) }
        self.close()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed where self.isInsideRequest:
            self.fault(Refusal(400, .invalidRequest, "the client closed its side before the request was whole"))
        case ChannelEvent.inputClosed where !self.isBusyCold && !self.server.keepsHalfClosed:
            // Half closed is closed: nobody who waits for an answer says goodbye first (`promises.md`, fault 40).
            self.lost()
            self.close()
        case is ChannelShouldQuiesceEvent:
            self.drain()
            if self.isColdOpen { context.fireUserInboundEventTriggered(event) }
        default:
            if self.isColdOpen { context.fireUserInboundEventTriggered(event) }
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        let isWritable = context.channel.isWritable
        self.unwritableSince = isWritable ? nil : self.server.clock.now.monotonic
        self.bytesLeft = .max
        if case .exchange(let exchange) = self.state { exchange.writabilityChanged(isWritable) }
        context.fireChannelWritabilityChanged()
    }

    // MARK: SocketReceiver

    func socketRead(_ bytes: ByteBuffer) {
        self.take(bytes)
        // The codec's first request came this way, and its readers wait to hear that it was all.
        if self.isColdOpen { self.context?.fireChannelReadComplete() }
    }

    func socketFailed(_ error: IOError) {
        if let context = self.context { self.errorCaught(context: context, error: error) }
    }

    private func leaveSocket() {
        self.writer?.socketClosed()
        self.reader?.stop()
    }

    private var isBusyCold: Bool {
        switch self.state {
        case .coldBody, .coldAnswer: true
        case .head, .hotBody, .exchange, .closing: false
        }
    }

    /// A head or a body has begun to come, and is not whole.
    private var isInsideRequest: Bool {
        switch self.state {
        case .head: self.pending.readableBytes > 0
        case .hotBody: true
        case .coldBody, .coldAnswer, .exchange, .closing: false
        }
    }

    private func lost() {
        if case .exchange(let exchange) = self.state { exchange.clientLeft() }
        self.state = .closing
        self.pending = ByteBuffer()
    }

    // MARK: Requests

    private func take(_ bytes: ByteBuffer) {
        var bytes = bytes
        if self.pending.readableBytes == 0 { self.pending = bytes } else { self.pending.writeBuffer(&bytes) }
        self.process()
    }

    private func process() {
        // An answer that is written at once comes back here: the loop below goes on with what is pipelined.
        guard !self.isProcessing else { return }
        self.isProcessing = true
        defer {
            self.isProcessing = false
            // Empty, it would still keep what comes next from being read into the same buffer.
            if self.pending.readableBytes == 0 { self.pending = ByteBuffer() }
        }
        while true {
            switch self.state {
            case .head:
                guard self.pending.readableBytes > 0, self.readHead() else { return }
            case .hotBody(let request):
                guard self.readBody(request) else { return }
            case .coldBody:
                guard self.readCold() else { return }
            case .coldAnswer, .exchange:
                return self.holdBack()
            case .closing:
                return self.pending = ByteBuffer()
            }
        }
    }

    /// Too much is pipelined: the rest waits in the socket.
    private func holdBack() {
        guard self.pending.readableBytes > HotConnection.mostPending, !self.isReadingStopped else { return }
        self.isReadingStopped = true
        try? self.context?.channel.syncOptions?.setOption(.autoRead, value: false)
    }

    private func readOn() {
        guard self.isReadingStopped else { return }
        self.isReadingStopped = false
        try? self.context?.channel.syncOptions?.setOption(.autoRead, value: true)
    }

    /// Reads a head; false where more bytes are needed.
    private func readHead() -> Bool {
        do throws(HTTPFault) {
            let limits = self.server.limits.head
            let isWhole = try self.pending.withUnsafeReadableBytes { bytes throws(HTTPFault) in try self.head.scanRequest(bytes, limits: limits) }
            guard isWhole else {
                if !self.isInsideHead { self.since = self.server.latest }
                self.isInsideHead = true
                return false
            }
            self.isInsideHead = false
        } catch {
            let code = error.status == 413 ? Refusal.Code.requestTooLarge : .invalidRequest
            self.fault(Refusal(error.status, code, "the request is no HTTP/1.1 that is accepted here: \(error.reason)"))
            return false
        }
        if self.isExcess {
            self.fault(Refusal(503, .overloaded, "the server has as many connections as it can have", retryAfter: .seconds(1)))
            return false
        }
        self.keepsAlive = self.head.keepsAlive
        guard self.pending.withUnsafeReadableBytes({ HotRequest.isServed(methodOf: self.head, in: $0) }) else {
            self.fault(Refusal(405, .invalidRequest, "the method of the request is served nowhere here"), more: "allow: DELETE, GET, HEAD, POST\r\n")
            return false
        }
        let kind = self.pending.withUnsafeReadableBytes { HotRequest.endpoint(of: self.head, in: $0) }
        guard let endpoint = kind else {
            self.openCold()
            return true
        }
        return self.beginHot(endpoint)
    }

    private func beginHot(_ endpoint: Endpoint) -> Bool {
        let now = self.server.readClock()
        let request = self.pending.withUnsafeReadableBytes { HotRequest(head: self.head, in: $0, endpoint: endpoint, server: self.server, at: now) }
        request.allowsLoopback = self.isLoopback
        let isContinueWanted = self.head.expectsContinue
        self.pending.moveReaderIndex(forwardBy: self.head.length)
        self.since = now.monotonic
        if self.server.isDraining { self.keepsAlive = false }
        if let refusal = request.refusedByHead()
            ?? (self.server.isDraining ? Refusal(503, .draining, "the server is shutting down", retryAfter: .seconds(1)) : nil)
        {
            // The body is not waited for, so the connection cannot go on behind it.
            let isBodyHere = request.bodyLength.map { $0 <= self.pending.readableBytes } ?? false
            if isBodyHere { self.pending.moveReaderIndex(forwardBy: request.bodyLength ?? 0) } else { self.keepsAlive = false }
            self.refuse(refusal, endpoint: endpoint, requestID: request.id)
            return self.keepsAlive
        }
        if isContinueWanted, (request.bodyLength ?? 1) > self.pending.readableBytes {
            self.write(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n"))
        }
        self.state = .hotBody(request)
        return true
    }

    /// Collects the body; false where more bytes are needed.
    private func readBody(_ request: HotRequest) -> Bool {
        do throws(Refusal) {
            guard try request.take(from: &self.pending) else { return false }
        } catch {
            self.keepsAlive = false
            self.refuse(error, endpoint: request.endpoint, requestID: request.id)
            return false
        }
        self.since = nil
        let exchange = LiveExchange(connection: self, request: request)
        self.state = .exchange(exchange)
        exchange.begin(request)
        return true
    }

    private lazy var isLoopback: Bool = {
        guard let address = self.context?.channel.remoteAddress else { return false }
        switch address {
        case .unixDomainSocket: return true
        case .v4, .v6: return address.ipAddress.map { $0 == "::1" || $0.hasPrefix("127.") || $0.hasPrefix("::ffff:127.") } ?? false
        }
    }()

    // MARK: Cold requests

    /// Hands a head on to the codec, which is set up at the first one.
    private func openCold() {
        guard let context = self.context else { return }
        if !self.isColdOpen {
            self.isColdOpen = true
            self.writer?.joinChannel()
            self.reader?.stop()
            self.coldDoor.open(context.channel)
        }
        self.since = self.server.clock.now.monotonic
        self.cold = ColdRequest(self.head)
        if let bytes = self.pending.readSlice(length: self.head.length) { self.passCold(bytes, context) }
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is AwaitedBody.Wanted else { return context.triggerUserOutboundEvent(event, promise: promise) }
        promise?.succeed()
        guard case .coldBody = self.state, self.cold.takeContinue() else { return }
        self.write(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n"))
    }

    private func readCold() -> Bool {
        do throws(HTTPFault) {
            guard let context = self.context, let bytes = try self.cold.take(from: &self.pending) else { return false }
            self.passCold(bytes, context)
            return true
        } catch {
            self.fault(Refusal(error.status, .invalidRequest, "the body's framing is broken: \(error.reason)"))
            return false
        }
    }

    private func passCold(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        self.state = self.cold.isWhole ? .coldAnswer : .coldBody
        context.fireChannelRead(self.wrapInboundOut(bytes))
    }

    /// The codec writes the head of its answer; called by the marker behind it, as is what follows.
    func coldAnswerBegan() {
        self.cold.hasAnswerBegun = true
    }

    /// The codec wrote the end of its answer.
    func coldAnswerEnded() {
        switch self.state {
        case .coldAnswer:
            self.next()
        case .coldBody:
            // Answered before the body was read: nothing that follows can be framed.
            self.closeAfterAnswer()
        case .head, .hotBody, .exchange, .closing:
            break
        }
    }

    // MARK: Answers

    /// The exchange is over: the next request, or the end of the connection.
    func exchangeEnded() {
        guard case .exchange = self.state else { return }
        self.next()
    }

    private func next() {
        guard self.keepsAlive, !self.server.isDraining else {
            self.state = .closing
            self.close()
            return
        }
        self.state = .head
        self.since = self.server.latest
        self.readOn()
        self.process()
        // A cold request that was pipelined comes outside of a read: the codec's readers wait to hear that it was all.
        if self.isColdOpen { self.context?.fireChannelReadComplete() }
    }

    var mayStay: Bool { self.keepsAlive && !self.server.isDraining }
    /// Whether the client of the request under way speaks HTTP/1.0: it knows no chunks, and a connection stays only where the answer says so.
    var isOldClient: Bool { self.head.isHTTP10 }

    /// A stream begins: to a client that knows no chunks it has no end but the connection's.
    func beginStream() -> AnswerStream? {
        if self.isOldClient { self.keepsAlive = false }
        return self.writer.map { AnswerStream(writer: $0, isChunked: !self.isOldClient) }
    }

    func write(_ buffer: consuming ByteBuffer, then second: consuming ByteBuffer? = nil) {
        self.writer?.write(buffer)
        if let second { self.writer?.write(second) }
    }

    /// Answers a request that never became an exchange.
    private func refuse(_ refusal: Refusal, endpoint: Endpoint, requestID: String) {
        let (head, body) = ResponseBytes.refusal(refusal, dialect: endpoint.dialect, requestID: requestID)
        let (first, second) = ResponseBytes.whole(head, body: body, keepsAlive: self.keepsAlive, isOldClient: self.isOldClient)
        self.write(first, then: second)
        if self.keepsAlive {
            self.state = .head
            self.since = self.server.clock.now.monotonic
        } else {
            self.closeAfterAnswer()
        }
    }

    /// What came is no request: an answer, and no more.
    private func fault(_ refusal: Refusal, more: StaticString = "") {
        self.keepsAlive = false
        let id = self.server.ids.next("req_", at: self.server.clock.now.wall.milliseconds)
        let dialect: Endpoint.Dialect
        switch self.state {
        case .head: dialect = self.pending.withUnsafeReadableBytes { HotRequest.dialect(ofHead: $0) }
        case .hotBody(let request): dialect = request.endpoint.dialect
        case .coldBody, .coldAnswer, .exchange, .closing: dialect = .openai
        }
        let (head, body) = ResponseBytes.refusal(refusal, dialect: dialect, requestID: id)
        var lines = head.lines
        lines.writeStaticString(more)
        let (first, second) = ResponseBytes.whole(AnswerHead(status: head.status, lines: lines), body: body, keepsAlive: false)
        self.write(first, then: second)
        self.closeAfterAnswer()
    }

    /// Closes in two steps, so that a client that is still sending can read the answer before it meets a reset.
    private func closeAfterAnswer() {
        self.state = .closing
        self.since = self.server.clock.now.monotonic
        self.pending = ByteBuffer()
        self.close(.output)
    }

    /// Closes behind what was written.
    private func close(_ mode: CloseMode = .all) {
        self.writer?.flush()
        self.context?.close(mode: mode, promise: nil)
    }

    // MARK: Time and ends

    func check(at now: MonotonicInstant) {
        let limits = self.server.limits
        if let since = self.unwritableSince, !self.hasTakenSome(at: now), since + limits.writeTime <= now {
            self.lost()
            self.close()
            return
        }
        guard let since = self.since else { return }
        switch self.state {
        case .head where self.pending.readableBytes > 0:
            if since + limits.headTime <= now { self.fault(Refusal(408, .requestTimeout, "the head of the request did not come in time")) }
        case .head:
            if since + (self.isExcess ? limits.excessTime : limits.idleTime) <= now { self.close() }
        case .hotBody(let request):
            guard self.isTooSlow(request.bytesTaken + self.pending.readableBytes, since: since, at: now) else { return }
            self.keepsAlive = false
            self.refuse(Refusal(408, .requestTimeout, "the body of the request came too slowly"), endpoint: request.endpoint, requestID: request.id)
        case .closing:
            if since + .seconds(2) <= now { self.close() }
        case .coldBody:
            guard self.isTooSlow(self.cold.bytesTaken, since: since, at: now) else { return }
            let refusal = Refusal(408, .requestTimeout, "the body of the request came too slowly")
            if self.cold.hasAnswerBegun { self.closeAfterAnswer() } else { self.fault(refusal) }
        case .coldAnswer, .exchange:
            break
        }
    }

    private func isTooSlow(_ bytes: Int, since start: MonotonicInstant, at now: MonotonicInstant) -> Bool {
        let waited = now - start - self.server.limits.bodyGrace
        return waited > .zero && bytes < waited.milliseconds * 1024 / 1000
    }

    /// Whether the client took something of what waits for it since the last look; if so its time begins anew.
    private func hasTakenSome(at now: MonotonicInstant) -> Bool {
        let left = (try? self.context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        defer { self.bytesLeft = left }
        guard left < self.bytesLeft else { return false }
        self.unwritableSince = now
        return true
    }

    /// Closes now if nothing is under way, else after the answer.
    func drain() {
        guard case .head = self.state, self.pending.readableBytes == 0 else { return }
        self.state = .closing
        self.close()
    }

    func cut() {
        if case .exchange(let exchange) = self.state { exchange.cut() }
        self.state = .closing
        self.close()
    }
}
