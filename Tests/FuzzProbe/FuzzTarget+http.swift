import NIOCore
import NIOEmbedded
import NIOHTTP1
import SluiceCore
import SluiceTesting
import SluiceWire

extension FuzzTarget {
    private static let httpWords = [
        "\r\n", "\n", "\r", ":", " ", "\t", "POST ", "GET ", "HTTP/1.1", "HTTP/1.0", "/v1/chat/completions", "/../", "%2e", "Host: a\r\n",
        "Content-Length: 5\r\n", "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n",
        "Expect: 100-continue\r\n", "Connection: keep-alive\r\n", "X-A: b\r\n", "0\r\n\r\n", "5\r\nhello\r\n", ";a=b", "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 204 No Content\r\n", "gzip, chunked", "\r\n\r\n", "_",
    ]

    /// What the scanner takes NIO takes too, with the same parts; and it takes it however the bytes come.
    static let head = FuzzTarget(
        name: "head", mutator: { Mutator(seeds: $0.files("http"), words: httpWords) },
        check: { input, chance in
            let bytes = ByteBuffer(bytes: input)
            guard let head = try ScannedHead(bytes, isAnswer: false) else { return }
            for _ in 0..<3 {
                let cut = Int.random(in: 0..<head.length, using: &chance)
                guard let part = bytes.getSlice(at: 0, length: cut) else { return }
                guard try ScannedHead(part, isAnswer: false, mustNotFail: true) == nil else { throw Broken("\(cut) bytes of \(head.length) are a whole head") }
            }
            let channel = EmbeddedChannel(handler: ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes)))
            defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
            do {
                try channel.writeInbound(bytes.getSlice(at: 0, length: head.length) ?? bytes)
            } catch HTTPParserError.invalidContentLength where head.hasTabBehindALength(in: bytes) {
                return
            } catch HTTPParserError.invalidMethod {
                // It knows a list of methods; which ones are served is told further on.
                return
            } catch {
                throw Broken("NIO refuses it: \(error)")
            }
            guard case .head(let theirs)? = try channel.readInbound(as: HTTPServerRequestPart.self) else { throw Broken("NIO waits for more") }
            try head.agrees(with: theirs.headers)
            guard theirs.method.rawValue == head.method else { throw Broken("NIO's method is \(theirs.method)") }
            guard theirs.uri.hasSuffix(head.target) else { throw Broken("NIO's target is \(theirs.uri)") }
            guard theirs.isKeepAlive == head.keepsAlive || !head.keepsAlive else { throw Broken("NIO would close") }
        })

    static let answerHead = FuzzTarget(
        name: "answer-head",
        mutator: { corpus in
            let seeds = corpus.files("http").map { request in Array("HTTP/1.1 200 OK\r\n".utf8) + request.drop { $0 != 0x0A }.dropFirst() }
            return Mutator(seeds: seeds, words: httpWords)
        },
        check: { input, _ in
            let bytes = ByteBuffer(bytes: input)
            guard let head = try ScannedHead(bytes, isAnswer: true), (100...999).contains(head.status) else { return }
            let channel = EmbeddedChannel(handler: ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes)))
            // The decoder wants to know what was asked.
            try? channel.pipeline.syncOperations.addHandler(HTTPRequestEncoder(), position: .first)
            defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
            channel.writeAndFlush(HTTPClientRequestPart.head(HTTPRequestHead(version: .http1_1, method: .GET, uri: "/")), promise: nil)
            do {
                try channel.writeInbound(bytes.getSlice(at: 0, length: head.length) ?? bytes)
            } catch HTTPParserError.invalidContentLength where head.hasTabBehindALength(in: bytes) {
                // A tab behind a value is white space that may stand there (RFC 9112, 5); NIO does not know.
                return
            } catch {
                throw Broken("NIO refuses it: \(error)")
            }
            guard case .head(let theirs)? = try channel.readInbound(as: HTTPClientResponsePart.self) else { return }
            guard Int(theirs.status.code) == head.status else { throw Broken("NIO's status is \(theirs.status)") }
            try head.agrees(with: theirs.headers)
        })

    /// Any pieces give the same body; what is taken NIO takes too, with the same body.
    static let chunked = FuzzTarget(
        name: "chunked",
        mutator: { corpus in
            let bodies = ["5\r\nhello\r\n0\r\n\r\n", "3;a=b\r\nabc\r\n00\r\nX: 1\r\n\r\nrest", "a\r\n0123456789\r\nF\r\n0123456789abcde\r\n0\r\n\r\n"].map {
                Array($0.utf8)
            }
            return Mutator(seeds: bodies, words: httpWords + ["0", "1", "f", "0x", "-", "ffffffffffffffff", ";", "\"", "Content-Length: 1\r\n"])
        },
        check: { input, chance in
            let whole = ChunkedReading([input])
            guard ChunkedReading(chance.pieces(of: input)) == whole else { throw Broken("other pieces give another body") }
            // NIO knows the grammar of extensions, which are skipped here.
            guard whole.isOver, !input.contains(UInt8(ascii: ";")) else { return }
            let channel = EmbeddedChannel(handler: ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
            defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
            do {
                try channel.writeInbound(
                    ByteBuffer(bytes: Array("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n".utf8) + input.dropLast(whole.rest)))
            } catch {
                throw Broken("NIO refuses it: \(error)")
            }
            var body: [UInt8] = []
            var isEnded = false
            while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
                if case .body(let piece) = part { body += piece.readableBytesView }
                if case .end = part { isEnded = true }
            }
            guard isEnded, body == whole.data else { throw Broken("NIO reads another body") }
        })

    static let retryAfter = FuzzTarget(
        name: "retry-after",
        mutator: { _ in
            let seeds = ["0", "120", "1.5", "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"].map {
                Array($0.utf8)
            }
            return Mutator(
                seeds: seeds, words: ["0", "9", "-", ".", " ", ",", ":", "GMT", "Nov", "Feb", "31", "2000", "99999999999999999999", "e9", "\t", "é"])
        },
        check: { input, chance in
            let text = String(decoding: input, as: UTF8.self)
            let now = Timestamp(milliseconds: Int64.random(in: 0...4_000_000_000_000, using: &chance))
            let isInMilliseconds = Bool.random(using: &chance)
            guard let wait = RetryAfter.parse(seconds: isInMilliseconds ? nil : text, milliseconds: isInMilliseconds ? text : nil, at: now) else { return }
            guard wait >= .zero, wait <= RetryAfter.longest else { throw Broken("a wait of \(wait)") }
        })
}

/// A head as our scanner sees it.
private struct ScannedHead {
    let length: Int
    let method: String
    let target: String
    let status: Int
    let keepsAlive: Bool
    private let fields: [(name: String, value: String)]

    /// nil where it is not whole, or refused.
    init?(_ bytes: ByteBuffer, isAnswer: Bool, mustNotFail: Bool = false) throws {
        var head = HTTPHead()
        do {
            let isWhole = try bytes.withUnsafeReadableBytes { try isAnswer ? head.scanAnswer($0) : head.scanRequest($0) }
            guard isWhole else { return nil }
        } catch {
            guard !mustNotFail else { throw Broken("a beginning of it is refused: \(error)") }
            return nil
        }
        func text(_ range: Range<Int>) -> String { bytes.getString(at: range.lowerBound, length: range.count) ?? "" }
        self.length = head.length
        self.method = text(head.method)
        self.target = text(head.target)
        self.status = head.status
        self.keepsAlive = head.keepsAlive
        self.fields = head.fields.map { (text($0.name).lowercased(), text($0.value)) }
    }

    func hasTabBehindALength(in bytes: ByteBuffer) -> Bool {
        let text = (bytes.getString(at: 0, length: self.length) ?? "").lowercased()
        return text.split(separator: "\r\n").contains { $0.hasPrefix("content-length:") && $0.hasSuffix("\t") }
    }

    func agrees(with theirs: HTTPHeaders) throws {
        // NIO leaves tabs behind a value (RFC 9112, 5 excludes them).
        let others = theirs.map { ($0.name.lowercased(), $0.value.trimmed) }
        guard others.count == self.fields.count else { throw Broken("NIO sees \(others.count) fields, not \(self.fields.count)") }
        for (ours, other) in zip(self.fields, others) where ours != other { throw Broken("NIO reads \(other), not \(ours)") }
    }
}

/// A chunked body as our reader sees it.
private struct ChunkedReading: Equatable {
    private(set) var data: [UInt8] = []
    private(set) var isOver = false
    private(set) var isRefused = false
    /// Bytes behind its end.
    private(set) var rest = 0

    init(_ pieces: [[UInt8]]) {
        var body = ChunkedBody()
        for piece in pieces {
            guard !self.isOver else {
                self.rest += piece.count
                continue
            }
            var position = 0
            do {
                try piece.withUnsafeBytes { bytes in
                    reading: while true {
                        switch try body.next(bytes, at: &position) {
                        case .data(let range): self.data += bytes[range]
                        case .end:
                            self.isOver = true
                            break reading
                        case .more: break reading
                        }
                    }
                }
            } catch {
                self.isRefused = true
                return
            }
            if self.isOver { self.rest += piece.count - position }
        }
    }
}
