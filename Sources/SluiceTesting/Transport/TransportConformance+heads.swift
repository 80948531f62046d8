import NIOCore
import SluiceCore
import SluiceDispatch

extension TransportConformance {
    static let headCases = [
        Case("a head that breaks HTTP is malformed", { try await $0.brokenHeads() }),
        Case("a head that says twice how long the body is is malformed", { try await $0.twoLengths() }),
        Case("a head that is too large is malformed", { try await $0.largeHeads() }),
        Case("interim answers without an end are malformed", { try await $0.hintStorm() }),
        Case("an upgrade that nobody asked for is malformed", { try await $0.upgrade() }),
        Case("a large head within the limits is read", { try await $0.largestHead() }),
    ]

    private func expectMalformed(_ wires: [String]) async throws {
        for wire in wires {
            for size in [1 << 20, max(1, wire.utf8.count / 40)] {
                let upstream = try await self.upstream { _ in .raw(wire, every: size, then: [.sleep(.milliseconds(500)), .close]) }
                let record = try await self.run(upstream)
                try self.expectFailure(record, .malformed, wire.prefix(60).debugDescription)
                try self.expect(record.head == nil, "\(wire.prefix(60).debugDescription) was told as an answer")
                try self.expectRequests(upstream, 1)
            }
        }
    }

    private func brokenHeads() async throws {
        let rest = "content-length: 2\r\n\r\nok"
        try await self.expectMalformed([
            "SSH-2.0-OpenSSH_9.2\r\n\r\n", "{\"error\": \"no HTTP here\"}\n\n", "HTTP/1.1 20 OK\r\n\(rest)", "HTTP/1.1 2000 OK\r\n\(rest)",
            "HTTP/1.1 abc OK\r\n\(rest)",
            "HTTP/1.1 200 OK\n\(rest)", "HTTP/1.1 200 OK\r\nx-a: b\n\(rest)", "HTTP/1.1 200 OK\r\nx-a : b\r\n\(rest)",
            "HTTP/1.1 200 OK\r\nx-a: b\r\n folded\r\n\(rest)", "HTTP/1.1 200 OK\r\nnocolon\r\n\(rest)", "HTTP/1.1 200 OK\r\n: b\r\n\(rest)",
            "HTTP/1.1 200 OK\r\nx-a: b\u{0}c\r\n\(rest)",
        ])
    }

    private func twoLengths() async throws {
        let heads = [
            "content-length: 5\r\ncontent-length: 7\r\n\r\nhello", "content-length: 5\r\ncontent-length: 5\r\n\r\nhello",
            "content-length: 5, 5\r\n\r\nhello",
            "content-length: +5\r\n\r\nhello", "content-length: \r\n\r\nhello", "content-length: 99999999999999999999\r\n\r\nhello",
            "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "transfer-encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "transfer-encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ]
        try await self.expectMalformed(heads.map { "HTTP/1.1 200 OK\r\n" + $0 })
        try await self.expectMalformed(["HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"])
    }

    private func largeHeads() async throws {
        let field = "x-a: " + String(repeating: "a", count: 1000) + "\r\n"
        try await self.expectMalformed([
            "HTTP/1.1 200 OK\r\nx-big: " + String(repeating: "a", count: 1 << 20) + "\r\ncontent-length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\n" + String(repeating: field, count: 80) + "content-length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\n" + String(repeating: "x-a: b\r\n", count: 101) + "content-length: 2\r\n\r\nok",
        ])
    }

    private func hintStorm() async throws {
        try await self.expectMalformed([
            String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: 2000) + "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
        ])
    }

    private func upgrade() async throws {
        try await self.expectMalformed(["HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"])
    }

    private func largestHead() async throws {
        let fields = (0..<98).map { ("x-\($0)", String(repeating: "a", count: 600)) }
        let upstream = try await self.upstream { _ in .whole("ok", fields: fields) }
        let record = try await self.run(upstream)
        try self.expectWhole(record, "ok")
        try self.expect(record.head?.value(of: "x-97")?.count == 600, "the last field is lost")
    }
}
