import Dispatch
import NIOCore
import SluiceDispatch
import SluiceTesting
import Testing

/// On a real connection, whose other end is a socket that is written to by hand.
@Suite(.timeLimit(.minutes(1))) struct SocketReaderTests {
    /// Fails too where an event loop no longer waits as ``SocketReader`` needs it to.
    @Test func bytesComePastTheChannelAndTheEndComesThroughIt() async throws {
        try await Connection.with { connection in
            connection.send(Array("hello".utf8))
            try await connection.until { $0.count == 5 }
            connection.hangUp()
            try await connection.until { $0.isInactive }
            let heard = try await connection.heard()
            #expect(heard.bytes == Array("hello".utf8))
            #expect(heard.piecesPast == heard.pieces)
            #expect(heard.errors == 0)
        }
    }

    @Test func everythingComesOnceAndInOrderHoweverItIsCut() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        let all = (0..<300).flatMap { number in [UInt8](repeating: UInt8(number % 251), count: Int(random.next() % 40_000) + 1) }
        try await Connection.with { connection in
            let few = Array(all.prefix(100))
            connection.send(few)
            try await connection.until { $0.count == few.count }
            connection.send(Array(all.dropFirst(100)))
            try await connection.until { $0.count >= all.count }
            // What is kept is not read over.
            let heard = try await connection.heard()
            #expect(heard.bytes == all, "seed \(seed)")
            // Much at a time, where much comes.
            #expect(heard.longest > 16_384, "seed \(seed)")
        }
    }

    @Test func whatIsWrittenWhileReadingIsSentAtTheTurnsEnd() async throws {
        try await Connection.with { connection in
            try await connection.withHandler { $0.answer = ByteBuffer(string: "answer") }
            for _ in 0..<3 {
                connection.send([1])
                #expect(connection.read(6) == Array("answer".utf8))
            }
        }
    }

    /// A request that came behind the end of a backend's connection must not be sent there.
    @Test func whatEndedBeforeSomethingElseCameIsMetBeforeIt() async throws {
        try await Connection.withLoop { loop in try await self.meetsAnEndFirst(on: loop) }
    }

    private func meetsAnEndFirst(on loop: any EventLoop) async throws {
        try await Connection.with(on: loop) { first in
            try await Connection.with(on: loop) { second in
                let (isHeld, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
                loop.execute {
                    isHeld.signal()
                    mayGoOn.wait()
                }
                await withCheckedContinuation { continuation in
                    DispatchQueue.global().async {
                        isHeld.wait()
                        first.hangUp()
                        second.send([1])
                        mayGoOn.signal()
                        continuation.resume()
                    }
                }
                try await second.until { $0.count == 1 }
                let ended = try await first.withHandler { $0.isInactive ? $0.latest : .distantFuture }
                let came = try await second.withHandler { $0.latest }
                #expect(ended < came)
            }
        }
    }

    @Test func aChannelThatIsToldNotToReadIsNotReadFrom() async throws {
        try await Connection.with { connection in
            try await connection.channel.setOption(.autoRead, value: false).get()
            connection.send([1])
            for _ in 0..<20 {
                let heard = try await connection.heard()
                #expect(heard.pieces == 0)
            }
            try await connection.channel.setOption(.autoRead, value: true).get()
            try await connection.until { $0.count == 1 }
        }
    }

    @Test func theChannelReadsOnceItStopped() async throws {
        try await Connection.with { connection in
            connection.send([1])
            try await connection.until { $0.count == 1 }
            try await connection.withHandler { $0.reader?.stop() }
            connection.send([2])
            try await connection.until { $0.count == 2 }
            let heard = try await connection.heard()
            #expect(heard.bytes == [1, 2])
            #expect(heard.piecesPast == 1)
        }
    }

    /// A reset that is taken for an end in good order would have a call sent again.
    @Test func aResetIsNoEndInGoodOrder() async throws {
        for _ in 0..<50 {
            try await Connection.with { connection in
                connection.send([1])
                connection.reset()
                try await connection.until { !$0.errors.isEmpty || $0.isInactive }
                let heard = try await connection.heard()
                #expect(heard.errors > 0)
            }
        }
    }
}
