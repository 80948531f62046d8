import NIOCore
import SluiceCore
import SluiceDispatch

extension TransportConformance {
    static let cancelCases = [
        Case("a call that is cancelled while it connects is not sent", { try await $0.cancelWhileConnecting() }),
        Case("a call that is cancelled at once reaches nobody, or says that it may have", { try await $0.cancelAtOnce() }),
        Case("a call that is cancelled before its answer closes the connection", { try await $0.cancelBeforeAnswer() }),
        Case("a call that is cancelled during its answer closes the connection", { try await $0.cancelDuringAnswer() }),
        Case("a call that is cancelled while its body is sent closes the connection", { try await $0.cancelDuringRequest() }),
        Case("a call that is cancelled while it is paused closes the connection", { try await $0.cancelWhilePaused() }),
        Case("a call that is cancelled after its end disturbs nobody", { try await $0.cancelAfterEnd() }),
        Case("a storm of cancelled calls leaves no connection behind", { try await $0.cancelStorm() }),
    ]

    /// Cancels, and waits until the upstream has seen the connection go and some time has passed without a word.
    ///
    /// - Returns: after how many milliseconds the upstream saw it.
    private func cancel(_ call: RunningCall, seenBy upstream: ScriptedUpstream, _ what: String) async throws -> Int64 {
        let before = NIODeadline.now()
        let mayBeSent = try await call.cancel()
        let truth = try await upstream.truth.wait(for: "the connection's end, \(what)", within: .seconds(60)) { $0.open == 0 }
        let time = ((truth.lastCloseAt ?? .now()) - before).nanoseconds / 1_000_000
        try await self.pass(.milliseconds(30))
        let record = call.recorder.record.value
        try self.expect(record.faults.isEmpty, "\(what): heard after the cancel: \(record.faults)")
        try self.expect(mayBeSent || !record.isSent, "\(what): callSent was told, and cancel says that nothing left")
        return time
    }

    /// Of several times the middle one counts: the machine may be busy with other things.
    private func expectSoon(_ times: [Int64]) throws {
        try self.expect(times.sorted()[times.count / 2] <= 100, "the upstream saw the close after \(times) ms")
    }

    private func cancelWhileConnecting() async throws {
        let hole = try BlackHole()
        defer { hole.close() }
        var call = self.call(hole.url(isSecure: self.subject.isSecure))
        call.connectTimeout = .seconds(3)
        let running = try await self.start(call)
        try await self.pass(.milliseconds(100))
        try self.expect(hole.callers == 1, "\(hole.callers) sockets connect")
        try self.expect(try await running.cancel() == false, "nothing can have left")
        try await self.pass(.milliseconds(100))
        try self.expect(hole.callers == 0, "the connection is still tried for")
        try self.expect(running.recorder.record.value.faults.isEmpty, "\(running.recorder.record.value)")
    }

    private func cancelAtOnce() async throws {
        let upstream = try await self.upstream { _ in .whole("late") }
        var sent = 0
        for _ in 0..<100 {
            let call = try await self.start(self.call(upstream.url))
            if try await call.cancel() { sent += 1 }
            try self.expect(call.recorder.record.value.faults.isEmpty, "\(call.recorder.record.value)")
        }
        try await upstream.truth.wait(for: "quiet") { $0.inFlight == 0 }
        try await self.pass(.milliseconds(100))
        try self.expect(upstream.requests.count <= sent, "the upstream saw \(upstream.requests.count) requests, \(sent) may have been sent")
    }

    private func cancelBeforeAnswer() async throws {
        var times: [Int64] = []
        for _ in 0..<9 {
            let upstream = try await self.upstream { _ in UpstreamPlan([.stall]) }
            let call = try await self.start(self.call(upstream.url))
            try await upstream.truth.wait(for: "the request") { !$0.requests.isEmpty }
            times.append(try await self.cancel(call, seenBy: upstream, "before the answer"))
            try self.expect(upstream.requests[0].state == .clientGone, "the upstream thinks \(upstream.requests[0].state)")
        }
        try self.expectSoon(times)
    }

    private func cancelDuringAnswer() async throws {
        let chunk = UpstreamPlan.Step.bytes("data: 0123456789\n\n")
        let stream = UpstreamPlan(
            [.head(200, [("transfer-encoding", "chunked")])] + (0..<10_000).flatMap { _ in [chunk, .sleep(.microseconds(200))] })
        let flood = UpstreamPlan([.head(200, [("content-length", "12000000")]), .bytes(ByteBuffer(repeating: 65, count: 12_000_000))])
        for plan in [stream, flood] {
            var times: [Int64] = []
            for _ in 0..<5 {
                let upstream = try await self.upstream { _ in plan }
                let call = try await self.start(self.call(upstream.url))
                try await call.recorder.record.wait(for: "the first pieces") { $0.pieces > 3 }
                times.append(try await self.cancel(call, seenBy: upstream, "during the answer"))
            }
            try self.expectSoon(times)
        }
    }

    private func cancelDuringRequest() async throws {
        let upstream = try await self.upstream(reading: .stall) { _ in .whole("") }
        let call = try await self.start(self.call(upstream.url, body: ByteBuffer(repeating: 65, count: 20_000_000)))
        // A TLS handshake cannot end with an upstream that does not read on.
        if self.subject.isSecure {
            try await upstream.truth.wait(for: "the connection") { $0.open == 1 }
            try await call.cancel()
            return
        }
        try await call.recorder.record.wait(for: "the first byte") { $0.isSent }
        try await self.pass(.milliseconds(20))
        let mayBeSent = try await call.cancel()
        try self.expect(mayBeSent, "bytes have left")
        try await self.pass(.milliseconds(30))
        try self.expect(call.recorder.record.value.faults.isEmpty, "\(call.recorder.record.value)")
    }

    private func cancelWhilePaused() async throws {
        let upstream = try await self.upstream { _ in
            // It never ends: on a busy machine 12 MB have come before the pause.
            UpstreamPlan([.head(200, [("content-length", "24000000")]), .bytes(ByteBuffer(repeating: 65, count: 12_000_000)), .stall])
        }
        var times: [Int64] = []
        for _ in 0..<5 {
            let call = try await self.start(self.call(upstream.url))
            try await call.recorder.record.wait(for: "the head") { $0.head != nil }
            try await call.pause()
            try await self.pass(.milliseconds(50))
            times.append(try await self.cancel(call, seenBy: upstream, "while paused"))
        }
        try self.expectSoon(times)
    }

    private func cancelAfterEnd() async throws {
        let upstream = try await self.upstream { .whole($0.text) }
        for number in 0..<20 {
            let call = try await self.start(self.call(upstream.url, body: "\(number)"))
            try self.expectWhole(try await call.end(), "\(number)")
            try self.expect(try await call.cancel(), "it was sent")
            try self.expectWhole(try await self.run(upstream, body: "n\(number)"), "n\(number)")
        }
        try self.expectRequests(upstream, 40)
    }

    private func cancelStorm() async throws {
        let upstream = try await self.upstream { request in
            request.number % 2 == 0
                ? UpstreamPlan([.stall]) : UpstreamPlan([.head(200, [("transfer-encoding", "chunked")]), .bytes("x"), .stall])
        }
        for round in 0..<5 {
            var calls: [RunningCall] = []
            for _ in 0..<60 { calls.append(try await self.start(self.call(upstream.url))) }
            try await upstream.truth.wait(for: "60 calls under way") { $0.inFlight == 60 }
            for call in calls { try await call.cancel() }
            try await upstream.truth.wait(for: "all connections' end in round \(round)", within: .seconds(60)) {
                $0.open == 0 && $0.inFlight == 0
            }
            for call in calls { try self.expect(call.recorder.record.value.faults.isEmpty, "\(call.recorder.record.value)") }
        }
        try self.expectRequests(upstream, 300)
    }
}
