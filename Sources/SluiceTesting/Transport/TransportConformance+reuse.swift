import NIOCore
import SluiceCore
import SluiceDispatch

extension TransportConformance {
    static let reuseCases = [
        Case("a connection that the host keeps open is used again", { try await $0.reuse() }),
        Case("a connection with bytes left over is never used again", { try await $0.leftovers() }),
        Case("a connection is not used again after `connection: close`", { try await $0.announcedClose() }),
        Case("a connection is not used again after the idle limit", { try await $0.idleLimit() }),
        Case("a host that closes after every answer costs no call, whatever it announces", { try await $0.silentClose() }),
        Case("no bytes cross calls among cancelled and overread ones", { try await $0.nothingCrosses() }),
    ]

    private func reuse() async throws {
        for isStreamed in [false, true] {
            let upstream = try await self.upstream { isStreamed ? .chunked([$0.text]) : .whole($0.text) }
            _ = try await self.run(upstream, body: "first")
            // A host has to prove first that it keeps connections open.
            try await self.pass(.milliseconds(100))
            for number in 0..<6 { try self.expectWhole(try await self.run(upstream, body: "\(number)"), "\(number)") }
            let connections = upstream.truth.value.connections
            try self.expect(connections == 1, "7 calls one after the other took \(connections) connections")
        }
    }

    private func leftovers() async throws {
        let poison = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nPOISON"
        let plans: [@Sendable (String) -> UpstreamPlan] = [
            { .raw("HTTP/1.1 200 OK\r\ncontent-length: \($0.utf8.count)\r\n\r\n\($0)\(poison)", every: 1000) },
            { .raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n\($0)\r\n0\r\n\r\n\(poison)", every: 1000) },
            {
                .raw(
                    "HTTP/1.1 200 OK\r\ncontent-length: \($0.utf8.count)\r\n\r\n\($0)", every: 1000,
                    then: [.sleep(.milliseconds(20)), .raw(poison)])
            },
            { .raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n\($0)\r\n0\r\n\r\n", every: 1000, then: [.raw(poison)]) },
            { .raw("HTTP/1.1 200 OK\r\ncontent-length: \($0.utf8.count)\r\n\r\n\($0)\(poison)", every: 7) },
        ]
        for (index, plan) in plans.enumerated() {
            let upstream = try await self.upstream { request in
                request.text == "good" ? .whole(request.text) : plan(request.text)
            }
            // The host earns trust, so that connections would be used again.
            try self.expectWhole(try await self.run(upstream, body: "good"), "good")
            try await self.pass(.milliseconds(100))
            try self.expectWhole(try await self.run(upstream, body: "good"), "good")
            for round in 0..<6 {
                let record = try await self.run(upstream, body: "b\(100 + round)")
                try self.expectWhole(record, "b\(100 + round)")
                // What has not come yet cannot be seen; from the third plan on it comes later than the answer.
                if index >= 2 {
                    try await upstream.truth.wait(for: "the end of the plan") { $0.inFlight == 0 }
                    try await self.pass(.milliseconds(20))
                }
                try self.expectWhole(try await self.run(upstream, body: "good"), "good")
            }
            try self.expectRequests(upstream, 14)
        }
    }

    private func announcedClose() async throws {
        let upstream = try await self.upstream { .whole($0.text, fields: [("connection", "close")]) }
        for number in 0..<5 {
            try self.expectWhole(try await self.run(upstream, body: "\(number)"), "\(number)")
            if number == 1 { try await self.pass(.milliseconds(100)) }
        }
        try self.expect(upstream.truth.value.connections == 5, "\(upstream.truth.value.connections) connections for 5 calls")
    }

    private func idleLimit() async throws {
        let upstream = try await self.upstream { .whole($0.text) }
        _ = try await self.run(upstream, body: "one")
        try await self.pass(.milliseconds(4200))
        try self.expectWhole(try await self.run(upstream, body: "two"), "two")
        try self.expect(upstream.truth.value.connections == 2, "a connection was used again after 4.2 s")
    }

    private func silentClose() async throws {
        let plans: [@Sendable (UpstreamRecord) -> UpstreamPlan] = [
            { .whole($0.text, fields: [("connection", "keep-alive")], then: [.close]) },
            { .chunked([$0.text], then: [.close]) },
            { .whole($0.text, then: [.sleep(.microseconds(Int64($0.number % 10) * 300)), .close]) },
            // Keeps connections after whole answers, and closes after streamed ones.
            { $0.number % 3 == 0 ? .chunked([$0.text], then: [.close]) : .whole($0.text) },
        ]
        for plan in plans {
            // On a machine that stalls the upstream may close later than anybody would wait for: that is given two more chances.
            for chance in 1...3 {
                do {
                    try await self.silentClose(plan)
                    break
                } catch let error as Unmet where chance < 3 {
                    print("again: \(error)")
                }
            }
        }
    }

    private func silentClose(_ plan: @escaping UpstreamBehaviour) async throws {
        let upstream = try await self.upstream(plan)
        for round in 0..<50 {
            try self.expectWhole(try await self.run(upstream, body: "\(round)"), "\(round)")
            if round % 10 == 9 { try await self.pass(.milliseconds(Int64(round))) }
        }
        try self.expectRequests(upstream, 50)
    }

    /// Every answer carries its call's nonce; a fifth of the calls is cancelled, a tenth of the answers has bytes left over.
    private func nothingCrosses() async throws {
        let upstream = try await self.upstream { request in
            let text = request.text
            let poison = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nPOISON"
            switch request.number % 10 {
            case 0: return .raw("HTTP/1.1 200 OK\r\ncontent-length: \(text.utf8.count)\r\n\r\n\(text)\(poison)", every: 1000)
            case 1, 2: return UpstreamPlan([.head(200, [("transfer-encoding", "chunked")]), .bytes(text), .sleep(.milliseconds(2)), .end])
            default: return .whole(text)
            }
        }
        for round in 0..<60 {
            var calls: [(String, RunningCall)] = []
            for number in 0..<10 {
                let nonce = "\(round)-\(number)"
                calls.append((nonce, try await self.start(self.call(upstream.url, body: nonce))))
            }
            for (number, (nonce, call)) in calls.enumerated() {
                if number % 5 == round % 5 {
                    try await call.cancel()
                } else {
                    try self.expectWhole(try await call.end(), nonce)
                }
            }
        }
        try self.expect(upstream.requests.count <= 600, "\(upstream.requests.count) requests for 600 calls")
    }
}
