import NIOCore
import NIOEmbedded
import SluiceDispatch
import Testing

@Suite struct SocketTurnTests {
    private let channel = EmbeddedChannel()
    private let flushes = FlushCounter()
    private let turn: SocketTurn
    private let context: ChannelHandlerContext

    init() throws {
        self.turn = SocketTurn(loop: self.channel.embeddedEventLoop)
        let pipeline = self.channel.pipeline.syncOperations
        try pipeline.addHandler(self.flushes)
        let handler = Handler()
        try pipeline.addHandler(handler)
        self.context = try pipeline.context(handler: handler)
    }

    private func makeWriter() -> SocketWriter { SocketWriter(self.context, turn: self.turn) }

    @Test func whatIsWrittenInATurnIsSentAtItsEnd() throws {
        let writer = self.makeWriter()
        for text in ["one", "two"] { writer.write(ByteBuffer(string: text)) }
        #expect(try self.channel.readOutbound(as: ByteBuffer.self) == nil)
        self.channel.embeddedEventLoop.run()
        #expect(try self.channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "one"))
        #expect(try self.channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "two"))
        #expect(self.flushes.count == 1)
    }

    @Test func theNextTurnIsFlushedToo() {
        let writer = self.makeWriter()
        for turn in 1...3 {
            writer.write(ByteBuffer(string: "more"))
            self.channel.embeddedEventLoop.run()
            #expect(self.flushes.count == turn)
        }
    }

    @Test func aLongTurnDoesNotHoldEverythingBack() {
        for _ in 0..<40 { self.makeWriter().write(ByteBuffer(string: "one")) }
        #expect(self.flushes.count == 32)
        self.channel.embeddedEventLoop.run()
        #expect(self.flushes.count == 40)
    }

    private final class FlushCounter: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        private(set) var count = 0

        func flush(context: ChannelHandlerContext) {
            self.count += 1
            context.flush()
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
    }
}
