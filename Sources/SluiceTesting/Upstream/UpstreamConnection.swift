import Glibc
import NIOCore
import NIOHTTP1
import SluiceCore

/// One connection of a scripted upstream: reads a request, plays its plan, reads the next.
final class UpstreamConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    private let truth: Observed<ScriptedUpstream.Truth>
    private let door: UpstreamDoor
    private let reading: UpstreamReading
    private let behaviour: UpstreamBehaviour
    private var number = 0
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    /// The request whose plan is being played.
    private var current: Int?
    private var steps: ArraySlice<UpstreamPlan.Step> = []
    private var isChunked = false
    private var closesAfterwards = false

    init(
        truth: Observed<ScriptedUpstream.Truth>, door: UpstreamDoor, reading: UpstreamReading, behaviour: @escaping UpstreamBehaviour
    ) {
        self.truth = truth
        self.door = door
        self.reading = reading
        self.behaviour = behaviour
    }

    // MARK: - Reading

    func channelActive(context: ChannelHandlerContext) {
        self.number = self.truth.update { truth in
            truth.connections += 1
            truth.open += 1
            return truth.connections
        }
        switch self.reading {
        case .whole, .early: break
        case .resetAtOnce: self.door.reset()
        case .reset, .stall: context.read()
        case .slowly: self.readOn(context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if case .reset = self.reading { context.read() }
    }

    private func readOn(_ context: ChannelHandlerContext) {
        guard case .slowly(_, let pace) = self.reading, context.channel.isActive else { return }
        context.read()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: pace) { bound.value.0.readOn(bound.value.1) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            self.body = ByteBuffer()
            if case .early = self.reading { self.answer(head, context) }
        case .body(var piece):
            self.body.writeBuffer(&piece)
            if case .reset(let limit) = self.reading, self.body.readableBytes >= limit { self.door.reset() }
        case .end:
            if case .early = self.reading {
                if self.closesAfterwards { context.close(promise: nil) }
            } else if let head = self.head {
                self.answer(head, context)
            }
        }
    }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let (connection, body) = (self.number, self.body)
        var record = self.truth.update { truth in
            let record = UpstreamRecord(
                method: head.method.rawValue, path: head.uri, headers: head.headers.map { ($0.name, $0.value) }, body: body,
                connection: connection, number: truth.requests.count, arrivedAt: .now())
            truth.requests.append(record)
            truth.inFlight += 1
            truth.peak = max(truth.peak, truth.inFlight)
            return record
        }
        let plan = self.behaviour(record)
        record.billed = plan.billed
        record.answerID = plan.answerID
        let number = record.number
        self.truth.update { [record] in $0.requests[number] = record }
        self.current = number
        self.steps = plan.steps[...]
        self.isChunked = false
        self.closesAfterwards = false
        self.play(context)
    }

    // MARK: - Playing

    private func play(_ context: ChannelHandlerContext) {
        while let step = self.steps.popFirst() {
            switch step {
            case .head(let status, let fields):
                self.isChunked = fields.contains { $0.0.lowercased() == "transfer-encoding" }
                self.closesAfterwards = fields.contains { $0.0.lowercased() == "connection" && $0.1.lowercased() == "close" }
                self.write("HTTP/1.1 \(status) Scripted\r\n" + fields.map { "\($0.0): \($0.1)\r\n" }.joined() + "\r\n", context)
            case .bytes(let bytes):
                self.writePiece(bytes, context)
            case .raw(let bytes):
                context.writeAndFlush(self.wrapOutboundOut(bytes), promise: nil)
            case .end:
                if self.isChunked { self.write("0\r\n\r\n", context) }
            case .sleep(let time):
                let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
                context.eventLoop.scheduleTask(in: time) { bound.value.0.play(bound.value.1) }
                return
            case .wait(let signal):
                let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
                let loop = context.eventLoop
                signal.whenFired { loop.execute { bound.value.0.play(bound.value.1) } }
                return
            case .stall:
                return
            case .close, .fin, .rst:
                return self.cut(step, context)
            }
        }
        self.finish(.answered)
        if case .early = self.reading { return }
        if self.closesAfterwards { context.close(promise: nil) }
    }

    private func writePiece(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        var framed = bytes
        if self.isChunked, bytes.readableBytes > 0 {
            framed = ByteBuffer(string: String(bytes.readableBytes, radix: 16) + "\r\n")
            framed.writeImmutableBuffer(bytes)
            framed.writeString("\r\n")
        }
        context.writeAndFlush(self.wrapOutboundOut(framed), promise: nil)
        guard let current = self.current else { return }
        self.truth.update { truth in
            truth.requests[current].sentBytes += bytes.readableBytes
            truth.requests[current].sentPieces += 1
        }
    }

    private func write(_ text: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }

    private func cut(_ step: UpstreamPlan.Step, _ context: ChannelHandlerContext) {
        self.finish(.cut)
        switch step {
        case .close: context.close(promise: nil)
        case .rst: self.door.reset()
        default: self.door.close()
        }
    }

    private func finish(_ state: UpstreamRecord.State) {
        guard let current = self.current else { return }
        self.current = nil
        self.steps = []
        self.truth.update { truth in
            truth.requests[current].state = state
            if state == .clientGone { truth.requests[current].goneAt = .now() }
            truth.inFlight -= 1
        }
    }

    // MARK: - The peer's leaving

    func channelInactive(context: ChannelHandlerContext) {
        self.finish(.clientGone)
        self.truth.update { truth in
            truth.open -= 1
            truth.lastCloseAt = .now()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

/// The way to the socket past TLS, for ends without a farewell.
final class UpstreamDoor: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func close() {
        self.context?.close(promise: nil)
    }

    /// Ends the connection with a reset: what was not sent yet is lost.
    func reset() {
        guard let context, let socket = context.channel as? any SocketOptionProvider else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in bound.value.close(promise: nil) }
    }
}
