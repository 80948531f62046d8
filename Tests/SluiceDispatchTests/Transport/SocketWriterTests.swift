import Glibc
import NIOCore
import NIOPosix
import SluiceDispatch
import SluiceTesting
import Testing

/// On a real connection, whose other end is a socket that is read by hand.
@Suite(.timeLimit(.minutes(1))) struct SocketWriterTests {
    @Test func whatTheSocketDoesNotTakeComesBehindItInOrder() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        let pieces = (0..<300).map { number in [UInt8](repeating: UInt8(number % 251), count: Int(random.next() % 40_000) + 1) }
        try await Connection.with { connection in
            for piece in pieces { try await connection.onLoop { $0.write(ByteBuffer(bytes: piece)) } }
            // The first megabytes fill the socket, so the rest waits in the channel.
            #expect(try await connection.onLoop { !$0.isWritable })
            let all = Array(pieces.joined())
            #expect(connection.read(all.count) == all, "seed \(seed)")
            // Once the channel has given all away the way is free again.
            while try await connection.onLoop({ !$0.isWritable }) { await Task.yield() }
            try await connection.onLoop { $0.write(ByteBuffer(string: "and on")) }
            #expect(connection.read(6) == Array("and on".utf8))
        }
    }

    @Test func aHeadAndALongBodyAreSentTogether() async throws {
        let body = [UInt8](repeating: 7, count: 30_000)
        try await Connection.with { connection in
            try await connection.onLoop {
                $0.write(ByteBuffer(string: "head"))
                $0.write(ByteBuffer(bytes: body))
            }
            #expect(connection.read(30_004) == Array("head".utf8) + body)
        }
    }

    @Test func whatItWroteComesBeforeWhatTheChannelIsGivenAfterItJoined() async throws {
        try await Connection.with { connection in
            try await connection.onLoop { writer, context in
                writer.write(ByteBuffer(string: "one "))
                writer.joinChannel()
                context.writeAndFlush(NIOAny(ByteBuffer(string: "two ")), promise: nil)
                writer.write(ByteBuffer(string: "three"))
            }
            #expect(connection.read(13) == Array("one two three".utf8))
        }
    }

    /// A number that the system has given to another socket since must not be written to.
    @Test func nothingIsWrittenToTheNextOwnerOfItsSocket() async throws {
        var pair: [CInt] = [0, 0]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
        let (other, end) = (pair[0], pair[1])
        defer { for socket in pair { close(socket) } }
        var wasReused = false
        // Somebody else in this process may be quicker to take the number.
        for _ in 0..<100 where !wasReused {
            try await Connection.with { connection in
                wasReused = try await connection.onLoop { writer, context in
                    let number = try context.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 } ?? -1
                    writer.write(ByteBuffer(string: "too late"))
                    context.close(promise: nil)
                    let next = fcntl(other, F_DUPFD, number)
                    writer.write(ByteBuffer(string: "for nobody else"))
                    writer.flush()
                    close(next)
                    return next == number
                }
            }
        }
        #expect(wasReused)
        var byte: UInt8 = 0
        #expect(recv(end, &byte, 1, Int32(MSG_DONTWAIT)) == -1)
    }
}
