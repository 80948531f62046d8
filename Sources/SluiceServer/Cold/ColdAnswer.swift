import HTTPTypes
import Hummingbird
import NIOCore
import SluiceCore
import SluiceDispatch

/// An answer of the API's other routes, whole.
struct ColdAnswer: Sendable {
    var status = 200
    var headers: [(name: HTTPField.Name, value: String)] = []
    var body: [UInt8]
    /// The job, file or batch that it tells of.
    let subject: String?

    init(_ body: [UInt8], of subject: String? = nil, status: Int = 200, headers: [(name: HTTPField.Name, value: String)] = []) {
        self.subject = subject
        self.status = status
        self.headers = headers
        self.body = body
    }

    var response: Response {
        var response = Response.json(self.body, status: .init(code: self.status))
        for (name, value) in self.headers { response.headers[name] = value }
        return response
    }

    /// The lines of a head, as an idempotency key keeps them.
    fileprivate var lines: [UInt8] {
        Array((["content-type: application/json"] + self.headers.map { "\($0.name.rawName): \($0.value)" }).map { $0 + "\r\n" }.joined().utf8)
    }
}

extension Response {
    /// What was kept under an idempotency key, as it was.
    init(_ kept: KeptAnswer) {
        self.init(status: .init(code: kept.status), headers: [:], body: .init(byteBuffer: .init(bytes: kept.body)))
        self.add(lines: kept.lines)
    }

    /// - Parameter lines: Complete header lines with CR LF.
    mutating func add(lines: [UInt8]) {
        for line in String(decoding: lines, as: UTF8.self).split(separator: "\r\n") {
            let pair = line.split(separator: ":", maxSplits: 1)
            guard pair.count == 2, let name = HTTPField.Name(String(pair[0])) else { continue }
            self.headers[name] = pair[1].trimmed
        }
    }
}

/// One POST of the API's other routes: whose it is, its body, and where its answer is kept.
struct Posted: Sendable {
    var tenant: Tenant
    /// The name of the API key; nil for a loopback client while there is none.
    var key: String?
    var body: [UInt8]
    var arrived: Timestamp
    fileprivate var claim: (key: KeptAnswer.Key, fingerprint: [UInt8])?

    /// What a transaction stores together with the thing that the request makes; nil without an idempotency key.
    func kept(_ answer: ColdAnswer) -> KeptAnswer? {
        self.claim.map {
            KeptAnswer(
                key: $0.key, fingerprint: $0.fingerprint, at: self.arrived, status: answer.status, lines: answer.lines, body: answer.body,
                subject: answer.subject)
        }
    }
}

/// Runs a POST under its idempotency key, if it has one.
struct PostDesk: Sendable {
    let desk: IdempotencyDesk
    let clock: SluiceClock

    /// - Parameter body: nil to collect the request's, up to `limit` bytes.
    func answer(
        _ request: Request, _ context: APIContext, limit: Int = 1 << 20, fingerprint: [UInt8]? = nil,
        _ make: (Posted) async throws -> ColdAnswer
    ) async throws -> Response {
        let tenant = try context.authenticated()
        var request = request
        let name = try request.idempotencyKey()
        let body = fingerprint == nil ? try await request.collected(upTo: limit) : ByteBuffer()
        var posted = Posted(tenant: tenant, key: context.key, body: Array(buffer: body), arrived: self.clock.now.wall)
        guard let name else { return try await make(posted).response }
        let key = KeptAnswer.Key(scope: context.key ?? "", key: name)
        let print = fingerprint ?? IdempotencyDesk.fingerprint("POST", request.uri.path, body)
        let desk = self.desk
        if let kept = try await reading({ try desk.claim(key, print) }) { return Response(kept) }
        posted.claim = (key, print)
        do {
            let answer = try await make(posted)
            if IdempotencyDesk.isKept(answer.status), let kept = posted.kept(answer) { desk.keep(kept) } else { desk.release(key) }
            return answer.response
        } catch {
            desk.release(key)
            throw error
        }
    }
}

extension Request {
    /// What the head says of the body's length.
    var announcedLength: Int? { self.headers[.contentLength].flatMap { Int($0) } }

    /// - Throws: 400 where it is none.
    func idempotencyKey() throws -> String? {
        guard let name = self.headers[.idempotencyKey] else { return nil }
        guard (1...255).contains(name.utf8.count), name.utf8.allSatisfy({ $0 >= 0x21 && $0 < 0x7F }) else {
            throw Refusal.invalid("Idempotency-Key must be 1 to 255 visible characters", param: "Idempotency-Key")
        }
        return name
    }

    /// The whole body.
    ///
    /// - Throws: 413 where it is larger.
    mutating func collected(upTo limit: Int) async throws -> ByteBuffer {
        // What is too large by its own word is not read.
        if self.announcedLength ?? 0 > limit { throw Refusal(413, .requestTooLarge, "the body is larger than \(limit >> 20) MB") }
        do {
            return try await self.collectBody(upTo: limit)
        } catch is NIOTooManyBytesError {
            throw Refusal(413, .requestTooLarge, "the body is larger than \(limit >> 20) MB")
        } catch let error as any HTTPResponseError where error.status == .contentTooLarge {
            throw Refusal(413, .requestTooLarge, "the body is larger than \(limit >> 20) MB")
        }
    }
}
