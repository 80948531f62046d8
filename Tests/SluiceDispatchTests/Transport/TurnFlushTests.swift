import NIOCore
import NIOEmbedded
import SluiceDispatch
import Testing

@Suite struct TurnFlushTests {
    private let channel = EmbeddedChannel()
    private let flushes = FlushCounter()
    private let turn: TurnFlush
    private let context: ChannelHandlerContext

    init() throws {
        self.turn = TurnFlush(loop: self.channel.embeddedEventLoop)
        let pipeline = self.channel.pipeline.syncOperations
        try pipeline.addHandler(self.flushes)
        let writer = Writer()
        try pipeline.addHandler(writer)
        self.context = try pipeline.context(handler: writer)
    }

    @Test func whatIsWrittenInATurnIsFlushedAtItsEnd() throws {
        for text in ["one", "two"] {
            self.context.write(NIOAny(ByteBuffer(string: text)), promise: nil)
            self.turn.add(self.context)
        }
        #expect(try self.channel.readOutbound(as: ByteBuffer.self) == nil)
        self.channel.embeddedEventLoop.run()
        #expect(try self.channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "one"))
        #expect(try self.channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "two"))
    }

    @Test func theNextTurnIsFlushedToo() {
        for turn in 1...3 {
            self.turn.add(self.context)
            self.channel.embeddedEventLoop.run()
            #expect(self.flushes.count == turn)
        }
    }

    @Test func aLongTurnDoesNotHoldEverythingBack() {
        for _ in 0..<40 { self.turn.add(self.context) }
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

    private final class Writer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
    }
}
