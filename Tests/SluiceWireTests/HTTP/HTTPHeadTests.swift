import SluiceWire
import Testing

@Suite struct HTTPHeadTests {
    private enum Outcome: Equatable {
        case whole(HTTPHead.Framing, keepsAlive: Bool)
        case incomplete
        case fault(Int)
    }

    private func scan(_ text: some Sequence<UInt8>, isAnswer: Bool = false) -> Outcome {
        Array(text).withUnsafeBytes { bytes in
            var head = HTTPHead()
            do throws(HTTPFault) {
                let isWhole = try isAnswer ? head.scanAnswer(bytes) : head.scanRequest(bytes)
                return isWhole ? .whole(head.framing, keepsAlive: head.keepsAlive) : .incomplete
            } catch {
                return .fault(error.status)
            }
        }
    }

    private func post(_ fields: String, target: String = "/v1/chat/completions") -> String { "POST \(target) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n" }

    @Test func findsItsPartsWhereTheyLie() throws {
        let text = "POST /v1/chat/completions?x=1 HTTP/1.1\r\nHost: Example.com:8080\r\nAUTHORIZATION:\t Bearer k \t\r\nX-Other:\r\nContent-Length: 2\r\n\r\n{}"
        try Array(text.utf8).withUnsafeBytes { bytes in
            var head = HTTPHead()
            let isWhole = try head.scanRequest(bytes)
            #expect(isWhole)
            func part(_ range: Range<Int>?) -> String? { range.map { String(decoding: bytes[$0], as: UTF8.self) } }
            #expect(head.length == text.utf8.count - 2)
            #expect(part(head.method) == "POST" && part(head.target) == "/v1/chat/completions?x=1")
            #expect(part(head.first(.authorization)) == "Bearer k" && part(head.first(.host)) == "Example.com:8080")
            #expect(head.fields.map(\.id) == [.host, .authorization, .other, .contentLength])
            #expect(part(head.fields[2].name) == "X-Other" && head.fields[2].value.isEmpty)
            #expect(head.framing == .length(2) && head.keepsAlive)
        }
    }

    @Test func everyPrefixOfAGoodHeadWaitsForMore() {
        let bytes = Array(self.post("Content-Type: application/json\r\nX-A: b c\r\nContent-Length: 12\r\n").utf8)
        for count in 0..<bytes.count { #expect(self.scan(bytes[..<count]) == .incomplete, "\(count) bytes") }
        let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\n".utf8)
        for count in 0..<answer.count { #expect(self.scan(answer[..<count], isAnswer: true) == .incomplete, "\(count) bytes") }
    }

    @Test(
        arguments: [
            ("", .none, true), ("Content-Length: 0\r\n", .length(0), true), ("content-length: 00012\r\n", .length(12), true),
            ("Transfer-Encoding: CHUNKED\r\n", .chunked, true),
            ("Connection: close\r\n", .none, false), ("Connection: x, Close\r\n", .none, false), ("Connection: keep-alive\r\n", .none, true),
            ("Connection: close\r\nConnection: keep-alive\r\n", .none, false), ("Connection: close, keep-alive\r\n", .none, false),
            ("Connection: close, authorization\r\n", .none, false),
        ] as [(String, HTTPHead.Framing, Bool)])
    func tellsFramingAndWhetherTheConnectionStays(_ fields: String, _ framing: HTTPHead.Framing, _ keepsAlive: Bool) {
        #expect(self.scan(self.post(fields).utf8) == .whole(framing, keepsAlive: keepsAlive))
    }

    @Test(arguments: [
        ("GET / HTTP/1.0\r\n\r\n", false), ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true), ("GET / HTTP/1.0\r\nHost: a\r\n\r\n", false),
        ("GET http://a/x HTTP/1.1\r\nHost: A\r\n\r\n", true), ("GET HTTPS://a:1/x HTTP/1.1\r\nHost: a:1\r\n\r\n", true),
        ("GET /a/b%2Fc?.. HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", true),
    ])
    func takesTheseToo(_ text: String, _ keepsAlive: Bool) {
        #expect(self.scan(text.utf8) == .whole(.none, keepsAlive: keepsAlive))
    }

    @Test(arguments: [("1.1", true), ("1.0", false)]) func tellsWhetherTheClientWaitsForLeave(_ version: String, _ waits: Bool) throws {
        var head = HTTPHead()
        let text = "POST / HTTP/\(version)\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        let isWhole = try Array(text.utf8).withUnsafeBytes { try head.scanRequest($0) }
        #expect(isWhole && head.expectsContinue == waits)
    }

    @Test(arguments: [
        // Lengths.
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nContent-Length: 4\r\n", "Content-Length: 3, 3\r\n", "Content-Length: +3\r\n", "Content-Length: -1\r\n", "Content-Length: 0x3\r\n",
        "Content-Length:\r\n",
        "Content-Length: 3 3\r\n", "Content-Length: 1e2\r\n",
        // Codings.
        "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding: chunked, identity\r\n", "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: \r\n", "Transfer-Encoding: \u{B}chunked\r\n", "Transfer-Encoding: gzip\r\n", "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
        // Lines.
        "X-A : b\r\n", "X-A: b\r\n c\r\n", " X-A: b\r\n", "X-A: b\nX-B: c\r\n", "X-A: b\rX-B: c\r\n", "X-A: \u{0}\r\n", "X-A: \u{7F}\r\n", "X-A: \u{1B}[0m\r\n",
        ": b\r\n", "no colon\r\n", "X A: b\r\n", "X_A: b\r\n",
        "X-Á: b\r\n", "(X): b\r\n", "\tX: b\r\n",
        // Hosts.
        "Host: a\r\n", "Host: b\r\n",
    ])
    func refusesFieldsThatCanBeReadInTwoWays(_ fields: String) {
        #expect(self.scan(self.post(fields).utf8) == .fault(400))
    }

    @Test(arguments: ["gzip, chunked", "identity, chunked", "deflate,chunked", "GZIP , CHUNKED"])
    func codingsThatItDoesNotHaveAreNotImplemented(_ coding: String) {
        #expect(self.scan(self.post("Transfer-Encoding: \(coding)\r\n").utf8) == .fault(501))
    }

    @Test(arguments: ["9223372036854775808", "99999999999999999999"])
    func aLengthBeyondAnyBodyIsTooLarge(_ length: String) {
        #expect(self.scan(self.post("Content-Length: \(length)\r\n").utf8) == .fault(413))
    }

    @Test func onlyOneExpectationIsUnderstood() {
        #expect(self.scan(self.post("Expect: 100-Continue\r\n").utf8) == .whole(.none, keepsAlive: true))
        #expect(self.scan(self.post("Expect: 200-maybe\r\n").utf8) == .fault(417))
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: \r\n\r\n", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/3.0\r\nHost: a\r\n\r\n", "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
        "GET / http/1.1\r\nHost: a\r\n\r\n", "GET /\r\n\r\n", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
        " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "G@T / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        "GET /\u{1} HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /é HTTP/1.1\r\nHost: a\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{FC}",
        "AVERYLONGMETHODNAMEWITHOUTEND / HTTP/1.1\r\nHost: a\r\n\r\n",
    ])
    func refusesRequestLinesAndHosts(_ text: String) {
        #expect(self.scan(text.utf8) == .fault(400))
    }

    @Test(arguments: [
        "/../etc/passwd", "/a/../b", "/a/..", "/.", "/./a", "//v1", "/v1//models", "/v1;x", "/v1\\x", "/%2e%2e/a", "/%2E", "/a%00", "/a%1f", "/a%7F", "/a%5cb",
        "/%", "/%a", "/%zz", "/a#b",
    ])
    func refusesPathsThatAreNotCanonical(_ target: String) {
        #expect(self.scan(self.post("", target: target).utf8) == .fault(400))
    }

    @Test(arguments: ["/v1/models/meta%2Fllama", "/v1/models/a:b", "/v1/models/...", "/a?b=/../c", "/", "/a/", "/%20a", "/a?%00"])
    func takesPathsThatAre(_ target: String) {
        #expect(self.scan(self.post("", target: target).utf8) == .whole(.none, keepsAlive: true))
    }

    @Test func lengthsAreBounded() {
        #expect(self.scan(self.post("X: \(String(repeating: "y", count: 40_000))\r\n").utf8) == .fault(431))
        #expect(self.scan("POST / HTTP/1.1\r\nX: \(String(repeating: "y", count: 40_000))".utf8) == .fault(431))
        #expect(self.scan(self.post((0..<101).map { "X-\($0): y\r\n" }.joined()).utf8) == .fault(431))
        #expect(self.scan(self.post("", target: "/" + String(repeating: "y", count: 9000)).utf8) == .fault(414))
        #expect(self.scan(("POST /" + String(repeating: "y", count: 9000)).utf8) == .fault(414))
        #expect(self.scan(repeatElement(UInt8(ascii: "A"), count: 50)) == .fault(400))
    }

    @Test(
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", .length(5), true), ("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n", .chunked, true),
            ("HTTP/1.1 200 \r\n\r\n", .untilClose, false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", .length(5), false), ("HTTP/1.1 204 No Content\r\n\r\n", .none, true),
            ("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", .none, true),
            ("HTTP/1.1 100 Continue\r\n\r\n", .none, true), ("HTTP/1.1 200 OK\r\nX_A: b\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", .length(0), false),
            ("HTTP/1.1 999 Ünïcode\r\nContent-Length: 1\r\n\r\n", .length(1), true),
        ] as [(String, HTTPHead.Framing, Bool)])
    func tellsTheFramingOfAnswers(_ text: String, _ framing: HTTPHead.Framing, _ keepsAlive: Bool) {
        #expect(self.scan(text.utf8, isAnswer: true) == .whole(framing, keepsAlive: keepsAlive))
    }

    @Test(arguments: [
        "HTTP/2 200\r\n\r\n", "HTTP/1.1 20x OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 200 OK\n\n",
        "HTTP/1.1 200 \u{0}\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "ICY 200 OK\r\n\r\n", "{\"error\":1}",
    ])
    func refusesAnswersThatBreakTheRules(_ text: String) {
        #expect(self.scan(text.utf8, isAnswer: true) == .fault(400))
    }
}
