import NIOCore
import SluiceCore
import SluiceDispatch

extension TransportConformance {
    static let failureCases = [
        Case("a refused connection was not sent", { try await $0.refused() }),
        Case("a black hole was not sent, after the connect time-out", { try await $0.blackHole() }),
        Case("a private address is not dialled where it is not allowed", { try await $0.privateAddress() }),
        Case("a connection that was opened with more rights is not used with less", { try await $0.privateReuse() }),
        Case("a reset at once is ambiguous if something may have left", { try await $0.resetAtOnce() }),
        Case("a reset while the body is read is ambiguous", { try await $0.resetInRequest() }),
        Case("an end before the answer is told apart from a reset", { try await $0.endBeforeAnswer() }),
        Case("an end inside the head is ambiguous", { try await $0.endInsideHead() }),
        Case("an end inside the body is a cut", { try await $0.endInsideBody() }),
        Case("a body with broken chunks is a cut", { try await $0.brokenChunks() }),
        Case("an upstream that reads slowly gets the whole body", { try await $0.slowReader() }),
        Case("a connection that dies unseen after it was used loses one call and sends nothing twice", { try await $0.deadOnReuse() }),
    ]

    private func refused() async throws {
        let upstream = try await self.upstream { _ in .whole("") }
        let url = upstream.url
        try await upstream.close()
        let started = NIODeadline.now()
        let record = try await self.run(self.call(url))
        try self.expectFailure(record, .notSent)
        try self.expect(!record.isSent, "callSent was told")
        try self.expect(NIODeadline.now() - started < .milliseconds(500), "it took \(NIODeadline.now() - started)")
    }

    private func blackHole() async throws {
        let hole = try BlackHole()
        defer { hole.close() }
        var call = self.call(hole.url(isSecure: self.subject.isSecure))
        call.connectTimeout = .milliseconds(300)
        let started = NIODeadline.now()
        let record = try await self.run(call)
        let time = (NIODeadline.now() - started).nanoseconds / 1_000_000
        try self.expectFailure(record, .unreached)
        try self.expect(!record.isSent && (250...900).contains(time), "it took \(time) ms of 300: \(record)")
    }

    private func privateAddress() async throws {
        let upstream = try await self.upstream { _ in .whole("reached") }
        var call = self.call(upstream.url)
        call.allowsPrivateAddresses = false
        let record = try await self.run(call)
        try self.expectFailure(record, .notSent)
        try self.expect(!record.isSent && upstream.truth.value.connections == 0, "somebody connected: \(record)")
    }

    private func privateReuse() async throws {
        let upstream = try await self.upstream { .whole($0.text) }
        _ = try await self.run(upstream)
        try await self.pass(.milliseconds(100))
        _ = try await self.run(upstream)
        var call = self.call(upstream.url)
        call.allowsPrivateAddresses = false
        let record = try await self.run(call)
        try self.expectFailure(record, .notSent)
        try self.expectRequests(upstream, 2)
    }

    private func resetAtOnce() async throws {
        let upstream = try await self.upstream(reading: .resetAtOnce) { _ in .whole("") }
        for _ in 0..<20 {
            let record = try await self.run(self.call(upstream.url, body: String(repeating: "x", count: 5000)))
            try self.expectFailure(record, record.isSent ? .ambiguous : .notSent)
        }
        try self.expect(upstream.truth.value.connections <= 20, "\(upstream.truth.value.connections) connections for 20 calls")
    }

    private func resetInRequest() async throws {
        for size in [1000, 300_000, 3_000_000] {
            let upstream = try await self.upstream(reading: .reset(afterBodyBytes: size / 3)) { _ in .whole("") }
            let record = try await self.run(self.call(upstream.url, body: ByteBuffer(repeating: 65, count: size)))
            try self.expectFailure(record, .ambiguous, "\(size) bytes")
            try self.expect(record.isSent && upstream.truth.value.connections == 1, "\(upstream.truth.value.connections) connections")
        }
    }

    private func endBeforeAnswer() async throws {
        for step in [UpstreamPlan.Step.fin, .rst, .close] {
            let upstream = try await self.upstream { _ in UpstreamPlan([.sleep(.milliseconds(5)), step]) }
            let record = try await self.run(upstream)
            let expected: TransportFailure.Kind = if case .rst = step { .ambiguous } else { .hungUp }
            try self.expectFailure(record, expected, "\(step)")
            try self.expect(record.isSent, "callSent was not told")
            try self.expectRequests(upstream, 1)
        }
    }

    private func endInsideHead() async throws {
        for step in [UpstreamPlan.Step.fin, .rst, .close] {
            for text in ["HTT", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n", "HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 2"] {
                let upstream = try await self.upstream { _ in UpstreamPlan([.raw(text), .sleep(.milliseconds(5)), step]) }
                let record = try await self.run(upstream)
                // What is less than a status line libcurl counts as nothing.
                if text.hasPrefix("HTTP/1.1 200 OK\r\n") || record.kind != .hungUp { try self.expectFailure(record, .ambiguous, "\(text) \(step)") }
                try self.expectRequests(upstream, 1)
            }
        }
    }

    private func endInsideBody() async throws {
        let length = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        let texts = [
            length, length + "123456789", chunked, chunked + "5\r\nhe", chunked + "5\r\nhello", chunked + "5\r\nhello\r\n",
            chunked + "5\r\nhello\r\n0\r\n",
            chunked + "5\r\nhello\r\n0\r\nx-trailer: 1\r\n",
        ]
        for step in [UpstreamPlan.Step.fin, .rst, .close] {
            for text in texts {
                let upstream = try await self.upstream { _ in UpstreamPlan([.raw(text), .sleep(.milliseconds(5)), step]) }
                let record = try await self.run(upstream)
                try self.expectFailure(record, .cut, "\(text.dropFirst(17)) \(step)")
                try self.expect(record.head?.status == 200, "the head was not told")
                try self.expectRequests(upstream, 1)
            }
        }
        let unframed = try await self.upstream { _ in UpstreamPlan([.head(200, []), .bytes("part"), .sleep(.milliseconds(5)), .rst]) }
        try self.expectFailure(try await self.run(unframed), .cut, "a reset of a body without framing")
    }

    private func brokenChunks() async throws {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        let bodies = [
            "xyz\r\nhello\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5\nhello\n0\n\n", "-5\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n",
            "\r\n5\r\nhello\r\n0\r\n\r\n", "5\r\nhello worl\r\n0\r\n\r\n", "11111111111111111\r\nhello", "0\r\ncontent-length: 3\r\n\r\n",
            "5;" + String(repeating: "x", count: 2000) + "\r\nhello\r\n0\r\n\r\n",
        ]
        for body in bodies {
            for size in [1, 10_000] {
                let upstream = try await self.upstream { _ in .raw(head + body, every: size, then: [.sleep(.milliseconds(200)), .close]) }
                let record = try await self.run(upstream)
                try self.expectFailure(record, .cut, "\(body.prefix(30).debugDescription)")
                try self.expectRequests(upstream, 1)
            }
        }
    }

    private func slowReader() async throws {
        let upstream = try await self.upstream(reading: .slowly(bytes: 65_536, every: .milliseconds(5))) {
            .whole("\($0.body.readableBytes)")
        }
        let body = ByteBuffer(repeating: 66, count: 1 << 20)
        try self.expectWhole(try await self.run(self.call(upstream.url, body: body), within: .seconds(20)), "\(1 << 20)")
        try self.expect(upstream.requests.first?.body == body, "the body arrived changed")
    }

    /// The host answers, keeps the connection for a while, and resets it just as the next request arrives.
    private func deadOnReuse() async throws {
        let upstream = try await self.upstream { request in
            request.text == "die" ? UpstreamPlan([.rst]) : .whole(request.text)
        }
        _ = try await self.run(upstream, body: "one")
        try await self.pass(.milliseconds(100))
        _ = try await self.run(upstream, body: "two")
        let record = try await self.run(upstream, body: "die")
        try self.expectFailure(record, .ambiguous)
        try self.expectRequests(upstream, 3)
        try self.expect(upstream.truth.value.connections == 1, "on connections \(upstream.requests.map { $0.connection })")
    }
}
