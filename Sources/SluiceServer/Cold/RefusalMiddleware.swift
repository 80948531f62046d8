import Hummingbird
import SluiceCore
import SluiceDispatch
import SluiceWire

/// Gives every answer its id, and turns every error into the body of the route's own dialect.
struct RefusalMiddleware: RouterMiddleware {
    let clock: SluiceClock
    let methods: RouteMethods

    func handle(_ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response) async throws -> Response {
        var ids = RequestIDs()
        let id = ids.next("req_", at: self.clock.now.wall.milliseconds)
        let dialect = request.dialect
        let response = try await self.answer(request, id, dialect, context, next)
        // What would be in the body of an error is announced and not sent (RFC 9110, 9.3.2): it would be taken for the next answer.
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(
        _ request: Request, _ id: String, _ dialect: Endpoint.Dialect, _ context: APIContext,
        _ next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        do {
            var response = try await next(request, context)
            response.stamp(id, dialect)
            return response
        } catch let refusal as Refusal {
            return Response(refusal, id: id, dialect: dialect)
        } catch let error as StoreError {
            return Response(Refusal(error), id: id, dialect: dialect)
        } catch let error as any HTTPResponseError {
            let allowed = error.status == .notFound ? self.methods.allowed(inPlaceOf: request) : []
            var response = Response(Refusal.of(status: error.status, request, allowed), id: id, dialect: dialect)
            if !allowed.isEmpty { response.headers[.allow] = allowed.joined(separator: ", ") }
            return response
        }
    }
}

extension Refusal {
    fileprivate init(_ error: StoreError) {
        if case .full = error.code {
            self.init(507, .storageFull, "the disk is full: nothing more can be stored")
        } else {
            self.init(503, .storageError, "the store cannot answer: \(error.message)", retryAfter: .seconds(5))
        }
    }

    /// What Hummingbird itself refuses: a path or a method that is none.
    fileprivate static func of(status: HTTPResponse.Status, _ request: Request, _ allowed: [String]) -> Refusal {
        let path = request.uri.path
        if !allowed.isEmpty { return Refusal(405, .invalidRequest, "\(path.quotedForMessage) takes \(allowed.joined(separator: " or ")) only") }
        if status == .notFound { return Refusal(404, .notFound, "there is no \(request.method.rawValue) \(path.quotedForMessage) here") }
        return Refusal(status.code, .invalidRequest, status.reasonPhrase)
    }
}

extension Request {
    /// Whose words the answer is in: the path's, and on the models, which both have, the client's.
    var dialect: Endpoint.Dialect {
        let path = self.uri.path
        if path.hasPrefix("/v1/models") { return self.headers[.anthropicVersion] != nil ? .anthropic : .openai }
        return path.hasPrefix("/v1/messages") ? .anthropic : .openai
    }
}

extension Response {
    fileprivate init(_ refusal: Refusal, id: String, dialect: Endpoint.Dialect) {
        let body = ErrorBody.json(refusal, dialect: dialect, requestID: id)
        self.init(status: .init(code: refusal.status), headers: [.contentType: "application/json"], body: .init(byteBuffer: .init(bytes: body)))
        self.stamp(id, dialect)
        self.headers[.sluiceErrorSource] = "gateway"
        if let seconds = refusal.retryAfterSeconds { self.headers[.retryAfter] = String(seconds) }
        if let should = refusal.shouldRetry { self.headers[.shouldRetry] = String(should) }
    }

    fileprivate mutating func stamp(_ id: String, _ dialect: Endpoint.Dialect) {
        self.headers[.requestID] = id
        if dialect == .anthropic { self.headers[.anthropicRequestID] = id }
    }

    /// A JSON answer.
    static func json(_ bytes: [UInt8], status: HTTPResponse.Status = .ok) -> Response {
        Response(status: status, headers: [.contentType: "application/json"], body: .init(byteBuffer: .init(bytes: bytes)))
    }
}
