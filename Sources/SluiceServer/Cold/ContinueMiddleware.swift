import HTTPTypes
import Hummingbird
import NIOCore

/// Has the client told to send its body, where it waits for that (`Expect: 100-continue`), when a route begins to read it: who is refused by the
/// head sends nothing.
struct ContinueMiddleware: RouterMiddleware {
    func handle(_ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response) async throws -> Response {
        guard request.headers[.expect] != nil else { return try await next(request, context) }
        var request = request
        request.body = RequestBody(asyncSequence: AwaitedBody(body: request.body, channel: context.channel))
        return try await next(request, context)
    }
}

/// A body whose first piece is asked for.
struct AwaitedBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    /// Tells the connection, as an outbound event, that the body is about to be read.
    struct Wanted: Sendable {}

    fileprivate let body: RequestBody
    fileprivate let channel: any Channel

    struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var pieces: RequestBody.AsyncIterator
        /// nil once it was told.
        fileprivate var channel: (any Channel)?

        @concurrent mutating func next() async throws -> ByteBuffer? {
            self.channel?.triggerUserOutboundEvent(Wanted(), promise: nil)
            self.channel = nil
            return try await self.pieces.next()
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(pieces: self.body.makeAsyncIterator(), channel: self.channel) }
}
