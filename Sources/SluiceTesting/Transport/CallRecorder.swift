package import NIOCore
package import SluiceDispatch

/// A receiver that writes down what it hears.
package final class CallRecorder: UpstreamReceiver, Sendable {
    package enum End: Hashable, Sendable {
        case whole
        case failed(TransportFailure)
    }

    package struct Record: Sendable {
        package var isSent = false
        package var head: UpstreamHead?
        package var body = ByteBuffer()
        package var pieces = 0
        /// Pieces came, and neither a flush nor the end was told since.
        package var isUnflushed = false
        package var end: End?
        package var endedAt: NIODeadline?
        /// What it should never have heard: anything after the end, a body before its head.
        package var faults: [String] = []
        /// The test has cancelled the call: everything from here on is a fault.
        package var isCancelled = false

        package var kind: TransportFailure.Kind? {
            if case .failed(let failure)? = self.end { failure.kind } else { nil }
        }
    }

    package let record = Observed(Record())

    package init() {}

    package func callSent() {
        self.note("callSent") { record in
            if record.isSent || record.head != nil { record.faults.append("callSent twice or late") }
            record.isSent = true
        }
    }

    package func callAnswered(_ head: UpstreamHead) {
        self.note("callAnswered") { record in
            if record.head != nil || !record.isSent { record.faults.append("callAnswered twice or before callSent") }
            record.head = head
        }
    }

    package func callReceived(_ bytes: ByteBuffer) {
        self.note("callReceived") { record in
            if record.head == nil { record.faults.append("callReceived before callAnswered") }
            if bytes.readableBytes == 0 { record.faults.append("an empty piece") }
            record.body.writeImmutableBuffer(bytes)
            record.pieces += 1
            record.isUnflushed = true
        }
    }

    package func callPaused() {
        self.note("callPaused") { $0.isUnflushed = false }
    }

    package func callEnded() {
        self.note("callEnded") { record in
            record.end = .whole
            // The end is a flush too.
            record.isUnflushed = false
            record.endedAt = .now()
        }
    }

    package func callFailed(_ failure: TransportFailure) {
        self.note("callFailed") { record in
            record.end = .failed(failure)
            record.isUnflushed = false
            record.endedAt = .now()
        }
    }

    private func note(_ what: String, _ change: (inout Record) -> Void) {
        self.record.update { record in
            if record.end != nil || record.isCancelled { record.faults.append("\(what) after the end") }
            change(&record)
        }
    }
}

extension CallRecorder.Record: CustomStringConvertible {
    package var description: String {
        "sent \(self.isSent), status \(self.head?.status ?? 0), \(self.body.readableBytes) bytes in \(self.pieces) pieces, "
            + "end \(self.end.map { "\($0)" } ?? "none"), faults \(self.faults)"
    }
}

/// A call that a test has started.
package struct RunningCall: Sendable {
    package let recorder: CallRecorder
    private let handle: NIOLoopBound<any UpstreamCallHandle>
    private let loop: any EventLoop

    /// Starts a call on the loop, whatever thread the test is on.
    package static func start(
        _ call: UpstreamCall, over transport: any Transport, on loop: any EventLoop
    ) async throws -> RunningCall {
        let recorder = CallRecorder()
        let handle = try await loop.submit {
            NIOLoopBound(transport.start(call, on: loop, receiver: recorder), eventLoop: loop)
        }.get()
        return RunningCall(recorder: recorder, handle: handle, loop: loop)
    }

    /// Cancels; whatever the recorder hears from then on is a fault.
    @discardableResult
    package func cancel() async throws -> Bool {
        try await self.loop.submit {
            let mayBeSent = self.handle.value.cancel()
            self.recorder.record.update { $0.isCancelled = true }
            return mayBeSent
        }.get()
    }

    package func pause() async throws {
        try await self.loop.submit { self.handle.value.pause() }.get()
    }

    package func resume() async throws {
        try await self.loop.submit { self.handle.value.resume() }.get()
    }

    /// The record once the call is over.
    package func end(within limit: TimeAmount = .seconds(60)) async throws -> CallRecorder.Record {
        try await self.recorder.record.wait(for: "the call's end", within: limit) { $0.end != nil }
    }
}
