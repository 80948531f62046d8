import NIOCore
import SluiceCore
import SluiceDispatch

extension TransportConformance {
    static let answerCases = [
        Case("a whole answer arrives, and the request was sent as it stands", { try await $0.wholeAnswer() }),
        Case("a chunked answer arrives in any splitting", { try await $0.chunkedInAnySplitting() }),
        Case("chunk extensions and trailers are no part of the body", { try await $0.extensionsAndTrailers() }),
        Case("an answer that ends with its connection says so", { try await $0.closeDelimited() }),
        Case("HTTP/1.0 is understood", { try await $0.http10() }),
        Case("interim answers are passed over", { try await $0.interim() }),
        Case("redirects are answers, and nobody follows them", { try await $0.redirects() }),
        Case("odd statuses are reported as they are", { try await $0.oddStatuses() }),
        Case("a compressed body stays compressed", { try await $0.compressed() }),
        Case("an answer that comes before the request was read arrives", { try await $0.earlyAnswer() }),
        Case("200 calls at a time get each its own answer", { try await $0.manyAtATime() }),
        Case("each method goes out as itself, whatever went before it", { try await $0.methods() }),
    ]

    private func wholeAnswer() async throws {
        let upstream = try await self.upstream { _ in .whole("hello", fields: [("x-one", "a"), ("X-Two", " b ")]) }
        let record = try await self.run(upstream, body: #"{"model":"m"}"#)
        try self.expectWhole(record, "hello")
        try self.expect(record.head?.endsWithConnection == false, "its end is told by its length")
        try self.expect(record.head?.value(of: "x-one") == "a" && record.head?.value(of: "x-two") == "b", "fields are lost")
        try self.expectRequests(upstream, 1)
        let request = upstream.requests[0]
        try self.expect(request.method == "POST" && request.path == "/v1/chat/completions", "\(request.method) \(request.path)")
        try self.expect(request.text == #"{"model":"m"}"#, "the body was sent as \(request.text)")
        try self.expect(request.header("host") == upstream.url.authority, "Host is \(request.header("host") ?? "missing")")
        let allowed = ["host", "content-length", "content-type", "authorization", "accept-encoding", "connection"]
        let names = request.headers.map { $0.name.lowercased() }
        try self.expect(names.allSatisfy { allowed.contains($0) } && Set(names).count == names.count, "the fields sent are \(names)")
        try self.expect(request.header("content-length") == "13" && request.header("accept-encoding") == "identity", "\(request.headers)")
    }

    private func methods() async throws {
        let upstream = try await self.upstream { _ in .whole("hello") }
        let methods: [UpstreamCall.Method] = [.post, .delete, .get, .delete, .post]
        for method in methods {
            var call = self.call(upstream.url, body: method == .post ? "{}" : "")
            call.method = method
            try self.expectWhole(try await self.run(call), "hello")
        }
        let seen = upstream.requests.map { "\($0.method) \($0.text)" }
        try self.expect(seen == methods.map { "\($0.rawValue) \($0 == .post ? "{}" : "")" }, "the upstream saw \(seen)")
    }

    private func chunkedInAnySplitting() async throws {
        let body = (0..<40).map { "data: {\"n\":\($0)}\n\n" }
        let wire =
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
            + body.map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }.joined() + "0\r\n\r\n"
        for size in [1, 2, 3, 7, 61, 100_000] {
            let upstream = try await self.upstream { _ in .raw(wire, every: size) }
            try self.expectWhole(try await self.run(upstream), body.joined())
            try self.expectRequests(upstream, 1)
        }
    }

    private func extensionsAndTrailers() async throws {
        let wire =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n00A\r\n0123456789\r\n0\r\nx-a: 1\r\nx-b: 2\r\n\r\n"
        for size in [1, 100_000] {
            let upstream = try await self.upstream { _ in .raw(wire, every: size) }
            try self.expectWhole(try await self.run(upstream), "abc0123456789")
        }
    }

    private func closeDelimited() async throws {
        let upstream = try await self.upstream { _ in
            UpstreamPlan([.head(200, []), .bytes("one"), .sleep(.milliseconds(20)), .bytes("two"), .close])
        }
        let record = try await self.run(upstream)
        try self.expectWhole(record, "onetwo")
        try self.expect(record.head?.endsWithConnection == true, "nobody can tell this end from a cut")
    }

    private func http10() async throws {
        let head = "HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n"
        let lengths = try await self.upstream { _ in .raw(head + "content-length: 2\r\n\r\nok", every: 1000, then: [.close]) }
        try self.expectWhole(try await self.run(lengths), "ok")
        let bare = try await self.upstream { _ in .raw(head + "\r\nok", every: 1000, then: [.close]) }
        try self.expectWhole(try await self.run(bare), "ok")
    }

    private func interim() async throws {
        let wire =
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
        for size in [1, 30, 1000] {
            let upstream = try await self.upstream { _ in .raw(wire, every: size) }
            let record = try await self.run(upstream)
            try self.expectWhole(record, "ok")
            try self.expect(record.head?.value(of: "link") == nil, "fields of an interim answer are in the head")
        }
    }

    private func redirects() async throws {
        let trap = try await self.upstream { _ in .whole("trapped") }
        let goal = trap.url.description
        for status in [301, 302, 307, 308] {
            let upstream = try await self.upstream { _ in .whole("", status: status, fields: [("location", goal + "/v1/chat/completions")])
            }
            try self.expectWhole(try await self.run(upstream), "", status: status)
        }
        try self.expectRequests(trap, 0)
    }

    private func oddStatuses() async throws {
        for status in [203, 299, 400, 401, 407, 417, 429, 500, 529, 599, 600, 999] {
            let upstream = try await self.upstream { _ in .whole("odd", status: status) }
            try self.expectWhole(try await self.run(upstream), "odd", status: status)
            try self.expectRequests(upstream, 1)
        }
        for status in [204, 304] {
            let upstream = try await self.upstream { _ in UpstreamPlan([.head(status, [])]) }
            try self.expectWhole(try await self.run(upstream), "", status: status)
        }
    }

    private func compressed() async throws {
        let upstream = try await self.upstream { _ in .whole("\u{1f}not really gzip", fields: [("content-encoding", "gzip")]) }
        let record = try await self.run(upstream)
        try self.expectWhole(record, "\u{1f}not really gzip")
        try self.expect(record.head?.value(of: "content-encoding") == "gzip", "the coding is not named any more")
    }

    private func earlyAnswer() async throws {
        let upstream = try await self.upstream(reading: .early) { _ in .whole("too large", status: 413, fields: [("connection", "close")]) }
        try self.expectWhole(
            try await self.run(self.call(upstream.url, body: ByteBuffer(repeating: 65, count: 1 << 20))), "too large", status: 413)
    }

    private func manyAtATime() async throws {
        let upstream = try await self.upstream { request in
            let text = request.text
            let pause = UpstreamPlan.Step.sleep(.milliseconds(Int64(request.number % 7)))
            if request.number % 2 == 0 { return UpstreamPlan([pause] + UpstreamPlan.whole(text).steps) }
            return UpstreamPlan([pause] + UpstreamPlan.chunked(["<", text, ">"]).steps)
        }
        var calls: [(String, RunningCall)] = []
        for number in 0..<200 {
            let nonce = "nonce-\(number)-" + String(repeating: "x", count: number * 7 % 50)
            calls.append((nonce, try await self.start(self.call(upstream.url, body: nonce))))
        }
        for (nonce, call) in calls {
            let record = try await call.end()
            let text = String(buffer: record.body)
            try self.expect(record.end == .whole && (text == nonce || text == "<\(nonce)>"), "\(nonce) was answered \(record) \(text)")
            try self.expect(record.faults.isEmpty, "\(record.faults)")
        }
        try self.expectRequests(upstream, 200)
    }
}
