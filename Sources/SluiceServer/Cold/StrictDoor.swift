package import HummingbirdCore
package import Logging
package import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceWire

/// A connection to the admin listener: the strict rules of HTTP before the codec, which forgives what no client of ours sends.
package struct StrictChannel: ServerChildChannel {
    private let http: HTTP1Channel

    package init(http: HTTP1Channel) {
        self.http = http
    }

    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(StrictDoor()) }
            .flatMap { self.http.setup(channel: channel, logger: logger) }
    }

    package func handle(value: HTTP1Channel.Value, logger: Logger) async { await self.http.handle(value: value, logger: logger) }
}

/// Lets requests through to the codec whose heads and framing are right (`promises.md`, 3.1), and answers the first that is not.
private final class StrictDoor: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var head = HTTPHead()
    /// The request that is passing: whole between two.
    private var passing = ColdRequest()
    private var pending = ByteBuffer()
    private var isShut = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isShut else { return }
        var bytes = self.unwrapInboundIn(data)
        self.pending.writeBuffer(&bytes)
        do throws(HTTPFault) {
            while let part = try self.next() { context.fireChannelRead(self.wrapInboundOut(part)) }
        } catch {
            self.shut(context, error)
        }
    }

    /// The next head or piece of a body; nil where more bytes are needed.
    private func next() throws(HTTPFault) -> ByteBuffer? {
        guard self.passing.isWhole else { return try self.passing.take(from: &self.pending) }
        guard self.pending.readableBytes > 0 else { return nil }
        let isWhole = try self.pending.withUnsafeReadableBytes { bytes throws(HTTPFault) in try self.head.scanRequest(bytes) }
        guard isWhole else { return nil }
        self.passing = ColdRequest(self.head)
        return self.pending.readSlice(length: self.head.length)
    }

    private func shut(_ context: ChannelHandlerContext, _ fault: HTTPFault) {
        self.isShut = true
        self.pending = ByteBuffer()
        let detail = "the request is no HTTP/1.1 that is accepted here: \(fault.reason)"
        let body = ByteBuffer(bytes: Problem.json(fault.status, Refusal.Code.invalidRequest.rawValue, detail))
        let head = AnswerHead(status: fault.status, lines: ByteBuffer(string: "content-type: \(Problem.type)\r\n"))
        let (first, second) = ResponseBytes.whole(head, body: body, keepsAlive: false)
        context.write(self.wrapOutboundOut(first), promise: nil)
        if let second { context.write(self.wrapOutboundOut(second), promise: nil) }
        context.flush()
        context.close(promise: nil)
    }
}
