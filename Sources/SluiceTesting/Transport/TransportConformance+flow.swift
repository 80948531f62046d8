import NIOCore
import SluiceCore
import SluiceDispatch

extension TransportConformance {
    static let flowCases = [
        Case("20 MB arrive whole, by length and in chunks", { try await $0.largeAnswers() }),
        Case("a paused call gets nothing, and holds the upstream back", { try await $0.pause() }),
        Case("a call that is paused and resumed often loses nothing", { try await $0.stutter() }),
        Case("an answer that ended while the call was paused ends when it goes on", { try await $0.pausedEnd() }),
        Case("an answer without a length that is reset while the call is paused is cut", { try await $0.pausedReset() }),
        Case("a paused call does not hold up the calls beside it", { try await $0.neighbours() }),
    ]

    private static let size = 20_000_000

    /// So that no two places look the same.
    private static let numbers = ByteBuffer(bytes: (0..<size / 8).flatMap { number in withUnsafeBytes(of: number) { Array($0) } })

    private static func flood(isChunked: Bool) -> UpstreamPlan {
        var bytes = Self.numbers
        guard isChunked else { return UpstreamPlan([.head(200, [("content-length", "\(size)")]), .bytes(bytes)]) }
        var steps: [UpstreamPlan.Step] = [.head(200, [("transfer-encoding", "chunked")])]
        while let piece = bytes.readSlice(length: min(50_000, bytes.readableBytes)), piece.readableBytes > 0 { steps.append(.bytes(piece)) }
        return UpstreamPlan(steps + [.end])
    }

    private func expectFlood(_ record: CallRecorder.Record) throws {
        try self.expect(record.end == .whole && record.faults.isEmpty, "\(record)")
        try self.expect(record.body.readableBytes == Self.size, "\(record.body.readableBytes) bytes arrived")
        try self.expect(record.body == Self.numbers, "the body arrived changed")
    }

    private func largeAnswers() async throws {
        for isChunked in [false, true] {
            let plan = Self.flood(isChunked: isChunked)
            let upstream = try await self.upstream { _ in plan }
            try self.expectFlood(try await self.run(upstream, within: .seconds(30)))
        }
    }

    private func pause() async throws {
        for isChunked in [false, true] {
            let plan = Self.flood(isChunked: isChunked)
            let upstream = try await self.upstream { _ in plan }
            let call = try await self.start(self.call(upstream.url))
            try await call.recorder.record.wait(for: "the first piece") { $0.pieces > 0 }
            try await call.pause()
            let before = call.recorder.record.value.body.readableBytes
            try await self.pass(.milliseconds(300))
            let after = call.recorder.record.value.body.readableBytes
            try self.expect(after - before <= 262_144, "\(after - before) bytes came while the call was paused")
            try await call.resume()
            try self.expectFlood(try await call.end(within: .seconds(30)))
        }
    }

    private func stutter() async throws {
        let plan = Self.flood(isChunked: true)
        let upstream = try await self.upstream { _ in plan }
        let call = try await self.start(self.call(upstream.url))
        for _ in 0..<50 {
            try await call.pause()
            try await self.pass(.milliseconds(1))
            try await call.resume()
        }
        try self.expectFlood(try await call.end(within: .seconds(30)))
    }

    private func pausedEnd() async throws {
        for then in [[], [UpstreamPlan.Step.close]] {
            let signal = Signal()
            let upstream = try await self.upstream { _ in
                UpstreamPlan([.head(200, [("transfer-encoding", "chunked")]), .bytes("one"), .wait(signal), .bytes("two"), .end] + then)
            }
            let call = try await self.start(self.call(upstream.url))
            try await call.recorder.record.wait(for: "the first piece") { $0.pieces > 0 }
            try await call.pause()
            signal.fire()
            try await upstream.truth.wait(for: "the answer's end") { $0.inFlight == 0 }
            try await self.pass(.milliseconds(50))
            try self.expect(String(buffer: call.recorder.record.value.body) == "one", "pieces came while the call was paused")
            try await call.resume()
            try self.expectWhole(try await call.end(), "onetwo")
        }
    }

    private func pausedReset() async throws {
        let signal = Signal()
        let upstream = try await self.upstream { _ in UpstreamPlan([.head(200, []), .bytes("one"), .wait(signal), .bytes("two"), .rst]) }
        let call = try await self.start(self.call(upstream.url))
        try await call.recorder.record.wait(for: "the first piece") { $0.pieces > 0 }
        try await call.pause()
        signal.fire()
        try await upstream.truth.wait(for: "the reset") { $0.inFlight == 0 }
        try await self.pass(.milliseconds(50))
        try await call.resume()
        try self.expectFailure(try await call.end(), .cut, "a reset while paused")
    }

    private func neighbours() async throws {
        let flood = Self.flood(isChunked: false)
        let upstream = try await self.upstream { $0.text == "flood" ? flood : .whole($0.text) }
        let slow = try await self.start(self.call(upstream.url, body: "flood"))
        try await slow.recorder.record.wait(for: "the first piece") { $0.pieces > 0 }
        try await slow.pause()
        for number in 0..<20 {
            try self.expectWhole(try await self.run(upstream, body: "\(number)", within: .seconds(1)), "\(number)")
        }
        try await slow.resume()
        try self.expectFlood(try await slow.end(within: .seconds(30)))
    }
}
