import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceWire

/// One connection to a backend: writes a request, follows the framing of the answer to its very end, and goes back to its host.
final class PlainConnection: ChannelInboundHandler, SocketReceiver {
    typealias InboundIn = ByteBuffer

    private enum State {
        case idle
        case head
        case length(left: Int)
        case chunked
        case untilClose
        case closed
    }

    private static let limits: HTTPHead.Limits = {
        var limits = HTTPHead.Limits()
        limits.head = 65_536
        return limits
    }()
    private static let mostInterimAnswers = 100
    /// Bodies up to this are written together with their head.
    private static let longestJoined = 16_384
    /// How long a backend may take nothing of a request.
    private static let longestPause = TimeAmount.seconds(10)

    private var state = State.idle
    private var exchange: PlainExchange? {
        didSet { self.receiver = self.exchange?.receiver }
    }
    // Both of the exchange, at hand for each piece: of hundreds of streams that take turns every object must come to the core's cache first.
    private var receiver: (any UpstreamReceiver)?
    private var isPaused = false
    private var context: ChannelHandlerContext?
    private var writer: SocketWriter?
    private var reader: SocketReader?
    /// A head of which more must come.
    private var pending: ByteBuffer?
    /// What came while the call was paused, and the connection's end if that came too.
    private var held: ByteBuffer?
    private var heldEnd: (any Error)??
    private var head = HTTPHead(fields: 12)
    private var chunks = ChunkedBody()
    private var interimAnswers = 0
    private var served = 0
    private var mostServed = Int.max
    private var isStream = false
    private var gotPiece = false
    /// The other side sent its end, rather than that the connection broke.
    private var endedInGoodOrder = false

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) {
        self.reader?.stop()
        self.context = nil
        self.writer = nil
        self.reader = nil
    }

    var isUsable: Bool {
        if case .idle = self.state { self.context?.channel.isActive ?? false } else { false }
    }

    func begin(_ exchange: PlainExchange) {
        guard let context = self.context, context.channel.isActive else {
            // Later, since a receiver hears nothing before its call has begun.
            let bound = NIOLoopBound(exchange, eventLoop: exchange.host.loop)
            return exchange.host.loop.execute {
                bound.value.fail(TransportFailure(.notSent, "the connection closed before the request was sent"))
            }
        }
        self.exchange = exchange
        exchange.connection = self
        exchange.wasSent = true
        self.state = .head
        self.interimAnswers = 0
        self.served += 1
        self.isPaused = false
        if exchange.isPaused { self.pause() }
        exchange.receiver?.callSent()
        // Looked at in place: a copy of a call retains all that it holds.
        let isJoined = exchange.call.body.readableBytes <= PlainConnection.longestJoined
        let writer = self.writer ?? SocketWriter(context, turn: exchange.host.turn)
        self.writer = writer
        if self.reader == nil { self.reader = SocketReader(context, turn: exchange.host.turn, receiver: self) }
        writer.write(PlainConnection.request(exchange, withBody: isJoined))
        guard !isJoined else { return }
        // At once: as a rule the system takes all of it, and then there is nothing to watch.
        writer.write(exchange.call.body)
        writer.flush()
        self.watchUpload(of: exchange, left: .max)
    }

    /// Gives a call up whose backend has stopped reading the request (`promises.md`, fault 21).
    private func watchUpload(of exchange: PlainExchange, left: Int) {
        guard let context = self.context, let rest = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes), rest > 0 else { return }
        guard rest < left else {
            self.abandon()
            return exchange.fail(TransportFailure(.ambiguous, "the backend took nothing of the request for 10 s"))
        }
        context.eventLoop.assumeIsolated().scheduleTask(in: PlainConnection.longestPause) { [weak exchange] in
            if let exchange, self.exchange === exchange { self.watchUpload(of: exchange, left: rest) }
        }
    }

    private static func request(_ exchange: PlainExchange, withBody: Bool) -> ByteBuffer {
        let bodyBytes = exchange.call.body.readableBytes
        let most =
            exchange.call.path.utf8.count + exchange.host.authority.utf8.count + exchange.call.fields.readableBytes + exchange.call.ownFields.count
            + (withBody ? bodyBytes : 0) + 96
        var request = ByteBufferAllocator().buffer(capacity: most)
        request.write(atMost: most) { out in
            out.write(exchange.call.method.words)
            out.write(text: exchange.call.path)
            out.write(" HTTP/1.1\r\nhost: ")
            out.write(text: exchange.host.authority)
            out.write("\r\n")
            exchange.call.fields.withUnsafeReadableBytes { out.write($0) }
            out.write(exchange.call.ownFields)
            out.write("content-length: ")
            out.write(number: Int64(bodyBytes))
            out.write("\r\n\r\n")
            if withBody { exchange.call.body.withUnsafeReadableBytes { out.write($0) } }
        }
        return request
    }

    /// The call is not wanted any more; what is under way on the connection makes it useless.
    func abandon() {
        self.exchange = nil
        self.held = nil
        self.close()
    }

    func close() {
        self.state = .closed
        self.context?.close(promise: nil)
    }

    func pause() {
        self.isPaused = true
        self.setReading(false)
    }

    /// The call goes on: what was held is delivered first.
    func goOn() {
        self.isPaused = false
        self.setReading(true)
        if let bytes = self.held {
            self.held = nil
            self.read(bytes)
            if !self.isPaused { self.receiver?.callPaused() }
        }
        if let end = self.heldEnd, self.held == nil {
            self.heldEnd = nil
            self.lost(end)
        }
    }

    private func setReading(_ isOn: Bool) {
        guard let channel = self.context?.channel else { return }
        try? channel.syncOptions?.setOption(.autoRead, value: isOn)
    }

    // MARK: SocketReceiver

    func socketRead(_ bytes: ByteBuffer) {
        self.read(bytes)
        if self.held == nil { self.receiver?.callPaused() }
    }

    func socketFailed(_ error: IOError) {
        if let context = self.context { self.errorCaught(context: context, error: error) }
    }

    // MARK: ChannelInboundHandler

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.gotPiece = true
        self.read(self.unwrapInboundIn(data))
    }

    private func read(_ input: ByteBuffer) {
        var bytes = input
        while bytes.readableBytes > 0 {
            if self.isPaused, self.exchange != nil {
                if self.held == nil { self.held = bytes } else { self.held?.writeBuffer(&bytes) }
                return
            }
            switch self.state {
            case .idle:
                // Nobody asked: what follows could be taken for another call's answer.
                return self.close()
            case .closed:
                return
            case .head:
                guard self.readHead(&bytes) else { return }
            case .length(let left):
                let count = min(left, bytes.readableBytes)
                if let piece = bytes.readSlice(length: count) { self.receiver?.callReceived(piece) }
                guard case .length = self.state else { return }
                if count == left { self.finish(&bytes) } else { self.state = .length(left: left - count) }
            case .chunked:
                guard self.readChunks(&bytes) else { return }
            case .untilClose:
                self.receiver?.callReceived(bytes)
                return
            }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard self.gotPiece, self.held == nil else { return }
        self.gotPiece = false
        self.receiver?.callPaused()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.writer?.socketClosed()
        self.reader?.stop()
        self.lost(nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            self.endedInGoodOrder = true
            context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.lost(error)
        context.close(promise: nil)
    }

    // MARK: The answer

    /// Reads a head; false where more bytes are needed or the connection is of no use any more.
    private func readHead(_ bytes: inout ByteBuffer) -> Bool {
        if var held = self.pending {
            held.writeBuffer(&bytes)
            bytes = held
            self.pending = nil
        }
        do throws(HTTPFault) {
            let isWhole = try bytes.withUnsafeReadableBytes { view throws(HTTPFault) in try self.head.scanAnswer(view, limits: PlainConnection.limits) }
            guard isWhole else {
                self.pending = bytes
                return false
            }
        } catch {
            self.fail(TransportFailure(.malformed, "the answer is no HTTP/1.1: \(error.reason)"))
            return false
        }
        if self.head.status < 200 { return self.skipInterim(&bytes) }
        guard let lines = self.lines(of: bytes) else { return false }
        bytes.moveReaderIndex(forwardBy: self.head.length)
        let answer = UpstreamHead(status: self.head.status, lines: lines, endsWithConnection: self.head.framing == .untilClose)
        self.noteManners(answer)
        switch self.head.framing {
        case .none: self.state = .length(left: 0)
        case .length(let count): self.state = .length(left: count)
        case .chunked:
            self.chunks = ChunkedBody()
            self.state = .chunked
        case .untilClose: self.state = .untilClose
        }
        self.receiver?.callAnswered(answer)
        if case .length(left: 0) = self.state { self.finish(&bytes) }
        return true
    }

    /// 100 and 103 go before the answer; 101 is no answer at all.
    private func skipInterim(_ bytes: inout ByteBuffer) -> Bool {
        self.interimAnswers += 1
        guard self.head.status != 101, self.interimAnswers <= PlainConnection.mostInterimAnswers else {
            self.fail(TransportFailure(.malformed, "the answer is \(self.head.status) again and again, or a change of protocol"))
            return false
        }
        bytes.moveReaderIndex(forwardBy: self.head.length)
        return true
    }

    private func lines(of bytes: ByteBuffer) -> ByteBuffer? {
        let first = self.head.fields.first?.name.lowerBound ?? self.head.length - 2
        let (start, count) = (bytes.readerIndex + first, self.head.length - 2 - first)
        // Of a body that comes in pieces the head is copied: a slice would keep the channel from reading them into the same buffer.
        guard case .length = self.head.framing else { return bytes.getBytes(at: start, length: count).map { ByteBuffer(bytes: $0) } }
        return bytes.getSlice(at: start, length: count)
    }

    private func noteManners(_ answer: UpstreamHead) {
        self.isStream = answer.isEventStream
        guard self.served == 1, let keepAlive = answer.value(of: "keep-alive"), let start = keepAlive.split(separator: "max=").last,
            keepAlive.contains("max="), let most = Int(start.prefix { $0.isNumber })
        else { return }
        self.mostServed = most
    }

    private func readChunks(_ bytes: inout ByteBuffer) -> Bool {
        while true {
            var position = 0
            let step: ChunkedBody.Step
            do throws(HTTPFault) {
                step = try bytes.withUnsafeReadableBytes { view throws(HTTPFault) in try self.chunks.next(view, at: &position) }
            } catch {
                self.fail(TransportFailure(.cut, "the answer's framing is broken: \(error.reason)"))
                return false
            }
            switch step {
            case .data(let range):
                let piece = bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count)
                bytes.moveReaderIndex(forwardBy: position)
                if let piece { self.receiver?.callReceived(piece) }
                // The receiver may have given the call up, or paused it.
                guard case .chunked = self.state, !self.isPaused else { return true }
            case .more:
                bytes.moveReaderIndex(forwardBy: position)
                return true
            case .end:
                bytes.moveReaderIndex(forwardBy: position)
                self.finish(&bytes)
                return true
            }
        }
    }

    /// The answer is whole: the connection may serve another call, unless it said more than it should.
    private func finish(_ bytes: inout ByteBuffer) {
        guard let exchange = self.exchange else { return }
        self.exchange = nil
        let mayStay = self.head.keepsAlive && bytes.readableBytes == 0 && self.served < self.mostServed
        self.state = mayStay ? .idle : .closed
        // Not cleared: that would make a new one, since the answer's body shares it.
        bytes.moveReaderIndex(to: bytes.writerIndex)
        if self.isPaused { self.setReading(true) }
        self.isPaused = false
        if mayStay { exchange.host.giveBack(self, after: self.isStream ? .streamed : .whole) } else { self.context?.close(promise: nil) }
        self.lastHost = exchange.host
        exchange.end()
    }

    /// Where it idles.
    private var lastHost: PlainHost?

    private func fail(_ failure: TransportFailure) {
        let exchange = self.exchange
        self.exchange = nil
        self.close()
        exchange?.fail(failure)
    }

    private func lost(_ error: (any Error)?) {
        guard self.held == nil else {
            // The first: behind an error comes the channel's end.
            if self.heldEnd == nil { self.heldEnd = .some(error) }
            return
        }
        let state = self.state
        self.state = .closed
        self.lastHost?.closed(self)
        guard let exchange = self.exchange else { return }
        self.exchange = nil
        // Clients may read it: no words of the system's own.
        let reason = error == nil ? "the connection was closed" : "the connection broke"
        switch state {
        case .idle, .closed: break
        case .head:
            // On a connection that served before, the end may have crossed with the request.
            let isHangUp = self.endedInGoodOrder && self.served == 1 && self.pending == nil && self.interimAnswers == 0
            exchange.fail(TransportFailure(isHangUp ? .hungUp : .ambiguous, reason))
        case .length, .chunked: exchange.fail(TransportFailure(.cut, reason))
        case .untilClose: if error == nil { exchange.end() } else { exchange.fail(TransportFailure(.cut, reason)) }
        }
    }
}

extension UpstreamCall.Method {
    /// The beginning of a request line.
    fileprivate var words: StaticString {
        switch self {
        case .post: "POST "
        case .get: "GET "
        case .delete: "DELETE "
        }
    }
}
