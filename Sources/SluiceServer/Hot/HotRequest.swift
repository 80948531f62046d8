import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceWire

/// One inference request while it comes in: what its head said, and its body as far as it is there.
final class HotRequest {
    let id: String
    let endpoint: Endpoint
    let live: LivePolicy
    let arrived: Now
    private(set) var wishes = ClientWishes()
    private(set) var prefer: String?
    private(set) var idempotencyKey: String?
    private(set) var retryCount: Int?
    private(set) var clientRequestID: String?
    /// Header lines that every backend gets.
    private(set) var forwarded: [UInt8] = []
    private(set) var namesAnthropicVersion = false
    private(set) var extraHeaders: [(name: String, value: String)] = []
    /// Headers that a route of the policy looks at.
    private(set) var matchable: [String: String] = [:]
    private(set) var tags: [String: String] = [:]
    private(set) var tenant: Tenant?
    private(set) var key: String?
    private(set) var body = ByteBuffer()
    private(set) var bytesTaken = 0
    var allowsLoopback = false

    private let server: ServerLoop
    private let framing: HTTPHead.Framing
    private var chunks = ChunkedBody()
    private var credentials: [UInt8]?
    private var hasTwoCredentials = false
    private var isFromAnotherSite = false
    private var refusal: Refusal?

    /// Whether some route knows the request's method.
    static func isServed(methodOf head: HTTPHead, in bytes: UnsafeRawBufferPointer) -> Bool {
        let method = UnsafeRawBufferPointer(rebasing: bytes[head.method])
        let served: [StaticString] = ["POST", "GET", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH", "TRACE"]
        return served.contains { method.equals($0) }
    }

    /// The inference route that a head asks for; nil for everything else.
    static func endpoint(of head: HTTPHead, in bytes: UnsafeRawBufferPointer) -> Endpoint? {
        guard UnsafeRawBufferPointer(rebasing: bytes[head.method]).equals("POST") else { return nil }
        let target = UnsafeRawBufferPointer(rebasing: bytes[head.target])
        // A query never changes the route.
        let path = target.firstIndex(of: UInt8(ascii: "?")).map { UnsafeRawBufferPointer(rebasing: target[..<$0]) } ?? target
        switch path.count {
        case 20 where path.equals("/v1/chat/completions"): return .chat
        case 15 where path.equals("/v1/completions"): return .completions
        case 14 where path.equals("/v1/embeddings"): return .embeddings
        case 13 where path.equals("/v1/responses"): return .responses
        case 12 where path.equals("/v1/messages"): return .messages
        case 25 where path.equals("/v1/messages/count_tokens"): return .countTokens
        default: return nil
        }
    }

    /// Whose words the refusal of a head is in, of which nothing may be right but the beginning of its path.
    static func dialect(ofHead bytes: UnsafeRawBufferPointer) -> Endpoint.Dialect {
        let path: StaticString = "/v1/messages"
        guard let space = bytes.prefix(24).firstIndex(of: 0x20) else { return .openai }
        let start = bytes[(space + 1)...].prefix(path.utf8CodeUnitCount)
        return UnsafeRawBufferPointer(rebasing: start).equals(path) ? .anthropic : .openai
    }

    init(head: HTTPHead, in bytes: UnsafeRawBufferPointer, endpoint: Endpoint, server: ServerLoop, at now: Now) {
        self.id = server.ids.next("req_", at: now.wall.milliseconds)
        self.endpoint = endpoint
        self.server = server
        self.live = server.policy.live
        self.arrived = now
        self.framing = head.framing
        self.forwarded.reserveCapacity(256)
        for field in head.fields { self.read(field, bytes) }
    }

    /// The length that the head announced; nil for a chunked body.
    var bodyLength: Int? {
        switch self.framing {
        case .none, .untilClose: 0
        case .length(let count): count
        case .chunked: nil
        }
    }

    // MARK: The head

    private func read(_ field: HTTPHead.Field, _ bytes: UnsafeRawBufferPointer) {
        let value = UnsafeRawBufferPointer(rebasing: bytes[field.value])
        switch field.id {
        case .contentType, .accept, .userAgent, .openaiBeta, .anthropicBeta, .tracestate:
            self.forward(field, bytes)
        case .anthropicVersion:
            self.namesAnthropicVersion = true
            self.forward(field, bytes)
        case .traceparent:
            if value.count == 55 { self.forward(field, bytes) }
        case .authorization:
            self.credential(HotRequest.bearer(value))
        case .xAPIKey:
            self.credential(Array(value))
        case .contentEncoding:
            if !value.equals(ignoringCase: "identity") {
                self.refuse(Refusal(415, .invalidRequest, "a body in a content coding is not accepted; send it plain", param: "Content-Encoding"))
            }
        case .prefer:
            // A list, which may come in several lines.
            let text = String(decoding: value, as: UTF8.self)
            self.prefer = self.prefer.map { "\($0),\(text)" } ?? text
        case .idempotencyKey:
            self.idempotencyKey = String(decoding: value, as: UTF8.self)
        case .xRequestID:
            self.clientRequestID = String(
                String(decoding: value, as: UTF8.self).unicodeScalars.filter { $0 >= " " && $0 < "\u{7F}" }.prefix(128).map(Character.init))
        case .stainlessRetryCount:
            self.retryCount = Int(String(decoding: value, as: UTF8.self))
        case .sluiceClass, .sluiceDeadline, .sluiceLatencyBudget, .sluiceMaxCost, .stainlessReadTimeout, .stainlessTimeout:
            do throws(Refusal) {
                try self.wishes.read(header: field.id.spelling.description, value: String(decoding: value, as: UTF8.self))
            } catch {
                self.refuse(error)
            }
        case .sluiceTags:
            self.readTags(String(decoding: value, as: UTF8.self))
        case .other:
            self.readOther(field, value, bytes)
        default:
            break
        }
        if !self.live.policy.matchedHeaders.isEmpty, field.id != .other, self.live.policy.matchedHeaders.contains(field.id.spelling.description) {
            self.matchable[field.id.spelling.description] = String(decoding: value, as: UTF8.self)
        }
    }

    private func readOther(_ field: HTTPHead.Field, _ value: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer) {
        let isOrigin = field.name.count == 6 && UnsafeRawBufferPointer(rebasing: bytes[field.name]).equals(ignoringCase: "origin")
        if isOrigin { self.isFromAnotherSite = true }
        guard !self.live.policy.matchedHeaders.isEmpty || !self.live.forwarded.isEmpty else { return }
        let name = String(decoding: bytes[field.name], as: UTF8.self).lowercased()
        if self.live.policy.matchedHeaders.contains(name) { self.matchable[name] = String(decoding: value, as: UTF8.self) }
        if self.live.forwarded.contains(name) { self.extraHeaders.append((name, String(decoding: value, as: UTF8.self))) }
    }

    private func forward(_ field: HTTPHead.Field, _ bytes: UnsafeRawBufferPointer) {
        let spelling = field.id.spelling
        self.forwarded.append(atMost: spelling.utf8CodeUnitCount + field.value.count + 4) { out in
            out.write(spelling)
            out.write(": ")
            out.write(UnsafeRawBufferPointer(rebasing: bytes[field.value]))
            out.write("\r\n")
        }
    }

    private func credential(_ key: [UInt8]) {
        if let known = self.credentials, known != key { self.hasTwoCredentials = true }
        self.credentials = key
    }

    /// The token of `Bearer …`, in any case of the scheme; everything else is no key of ours.
    private static func bearer(_ value: UnsafeRawBufferPointer) -> [UInt8] {
        guard value.count > 7, UnsafeRawBufferPointer(rebasing: value[..<7]).equals(ignoringCase: "bearer ") else { return [] }
        return Array(value[7...].drop { $0 == 0x20 })
    }

    /// `job=eval, team=search`
    private func readTags(_ text: String) {
        for pair in text.split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1).map { $0.trimmed }
            guard parts.count == 2, !parts[0].isEmpty, parts[0].utf8.count <= 64, parts[1].utf8.count <= 512, self.tags.count < 16 else {
                return self.refuse(
                    .invalid("Sluice-Tags is \(text.quotedForMessage); write name=value pairs with commas between them, at most 16", param: "Sluice-Tags"))
            }
            self.tags[parts[0]] = parts[1]
        }
    }

    private func refuse(_ refusal: Refusal) {
        if self.refusal == nil { self.refusal = refusal }
    }

    /// What the head alone is refused for; who asks comes before everything else.
    func refusedByHead() -> Refusal? {
        if let refusal = self.authenticate() { return refusal }
        if let refusal = self.refusal { return refusal }
        if let length = self.bodyLength, length > self.server.limits.body { return self.tooLarge }
        if let key = self.idempotencyKey, key.isEmpty || key.utf8.count > 255 || !key.utf8.allSatisfy({ $0 >= 0x21 && $0 < 0x7F }) {
            return .invalid("Idempotency-Key must be 1 to 255 visible characters", param: "Idempotency-Key")
        }
        return nil
    }

    private func authenticate() -> Refusal? {
        let policy = self.live.policy
        if self.server.keys.isEmpty {
            guard self.allowsLoopback else {
                return Refusal(
                    401, .invalidAPIKey, "no API key is configured, so only clients on this machine are served; make one with `sluice keys new NAME`")
            }
            guard !self.isFromAnotherSite else {
                return Refusal(403, .invalidAPIKey, "requests of web pages need an API key; make one with `sluice keys new NAME`")
            }
            self.tenant = policy.defaultTenant
            return nil
        }
        guard let credentials = self.credentials, !credentials.isEmpty, !self.hasTwoCredentials, credentials.count <= 512,
            let identity = self.server.keys.identity(of: credentials)
        else {
            return Refusal(
                401, .invalidAPIKey, self.credentials == nil ? "an API key is missing; send `Authorization: Bearer KEY`" : "the API key is not valid")
        }
        self.key = identity.name
        self.tenant = policy.tenant(ofKey: identity.name, madeFor: identity.tenant)
        return nil
    }

    private var tooLarge: Refusal {
        Refusal(413, .requestTooLarge, "the body is larger than \(self.server.limits.body >> 20) MB")
    }

    // MARK: The body

    /// Takes what of the body is there; true once it is whole.
    func take(from pending: inout ByteBuffer) throws(Refusal) -> Bool {
        switch self.framing {
        case .none, .untilClose:
            return true
        case .length(let count):
            // In one piece where it came in one piece, so that nothing is copied.
            if self.bytesTaken == 0, pending.readableBytes >= count {
                self.body = pending.readSlice(length: count) ?? ByteBuffer()
                self.bytesTaken = count
                return true
            }
            if self.bytesTaken == 0 { self.body.reserveCapacity(min(count, 1 << 20)) }
            var piece = pending.readSlice(length: min(count - self.bytesTaken, pending.readableBytes)) ?? ByteBuffer()
            self.bytesTaken += piece.readableBytes
            self.body.writeBuffer(&piece)
            return self.bytesTaken == count
        case .chunked:
            return try self.takeChunks(from: &pending)
        }
    }

    private func takeChunks(from pending: inout ByteBuffer) throws(Refusal) -> Bool {
        var position = 0
        var isOver = false
        do throws(HTTPFault) {
            try pending.withUnsafeReadableBytes { bytes throws(HTTPFault) in
                while true {
                    switch try self.chunks.next(bytes, at: &position) {
                    case .data(let range):
                        self.bytesTaken += range.count
                        if self.bytesTaken <= self.server.limits.body { self.body.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[range])) }
                    case .end:
                        isOver = true
                        return
                    case .more:
                        return
                    }
                }
            }
        } catch {
            throw Refusal(error.status, .invalidRequest, "the body's framing is broken: \(error.reason)")
        }
        guard self.bytesTaken <= self.server.limits.body else { throw self.tooLarge }
        pending.moveReaderIndex(forwardBy: position)
        return isOver
    }
}
