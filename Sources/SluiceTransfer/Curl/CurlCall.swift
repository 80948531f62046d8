import NIOCore
import SluiceDispatch
import Synchronization

/// One call, seen from its event loop; the engine's side of it is a ``Transfer``.
///
/// What the engine has collected lies between the two until the loop takes it. Its amount is bounded by a window: an engine ahead of
/// the loop, or of a receiver that was paused, holds libcurl back until half of the window is free again.
final class CurlCall: UpstreamCallHandle, Sendable {
    enum Event: Sendable {
        case sent
        case answered(UpstreamHead)
        case received(ByteBuffer)
        case ended
        case failed(TransportFailure)
    }

    private enum Phase: UInt8, AtomicRepresentable {
        case waiting, sent, cancelled
    }

    /// What only the event loop touches.
    private final class LoopState {
        /// nil from the end on.
        var receiver: (any UpstreamReceiver)?
        var isPaused = false
        /// In their order, while the receiver is paused.
        var held: [Event] = []
        /// Pieces were handed over and no flush yet.
        var isUnflushed = false

        init(receiver: any UpstreamReceiver) {
            self.receiver = receiver
        }
    }

    static let window = 65_536

    let request: UpstreamCall
    private let engine: TransferEngine
    private let state: NIOLoopBound<LoopState>
    private let phase = Atomic(Phase.waiting)
    /// Bytes of the body that the engine handed over and the receiver has not had yet.
    private let undelivered = Atomic(0)
    private let isHeldBack = Atomic(false)

    init(_ request: UpstreamCall, receiver: any UpstreamReceiver, engine: TransferEngine) {
        self.request = request
        self.engine = engine
        self.state = NIOLoopBound(LoopState(receiver: receiver), eventLoop: engine.loop)
    }

    // MARK: - On the event loop

    func cancel() -> Bool {
        guard self.state.value.receiver != nil else { return self.phase.load(ordering: .relaxed) == .sent }
        self.end()
        let phase = self.phase.exchange(.cancelled, ordering: .acquiringAndReleasing)
        self.engine.post(.drop(self))
        return phase == .sent
    }

    func pause() {
        self.state.value.isPaused = true
    }

    func resume() {
        self.state.value.isPaused = false
        let held = self.state.value.held
        guard !held.isEmpty else { return }
        self.state.value.held = []
        for event in held { self.deliver(event) }
        self.flush()
    }

    func deliver(_ event: Event) {
        guard let receiver = self.state.value.receiver else { return }
        guard !self.state.value.isPaused else { return self.state.value.held.append(event) }
        switch event {
        case .sent:
            receiver.callSent()
        case .answered(let head):
            receiver.callAnswered(head)
        case .received(let bytes):
            self.state.value.isUnflushed = true
            receiver.callReceived(bytes)
            self.give(back: bytes.readableBytes)
        case .ended:
            self.end()
            receiver.callEnded()
        case .failed(let failure):
            self.end()
            receiver.callFailed(failure)
        }
    }

    func flush() {
        guard self.state.value.isUnflushed, let receiver = self.state.value.receiver else { return }
        self.state.value.isUnflushed = false
        receiver.callPaused()
    }

    private func end() {
        self.state.value.receiver = nil
        self.state.value.held = []
    }

    private func give(back bytes: Int) {
        let left = self.undelivered.subtract(bytes, ordering: .sequentiallyConsistent).newValue
        guard left <= CurlCall.window / 2, self.isHeldBack.load(ordering: .sequentiallyConsistent) else { return }
        if self.isHeldBack.exchange(false, ordering: .sequentiallyConsistent) { self.engine.post(.resume(self)) }
    }

    // MARK: - On the engine's thread

    var isSent: Bool { self.phase.load(ordering: .acquiring) != .waiting }
    var isCancelled: Bool { self.phase.load(ordering: .acquiring) == .cancelled }

    /// Notes that the first byte is about to leave.
    ///
    /// - Returns: false where it must not: the call was cancelled, or this would be the second time.
    func markSent() -> Bool {
        self.phase.compareExchange(expected: .waiting, desired: .sent, ordering: .acquiringAndReleasing).exchanged
    }

    /// Whether the window has room; if not, a `.resume` follows as soon as it has.
    func hasRoom() -> Bool {
        if self.undelivered.load(ordering: .sequentiallyConsistent) < CurlCall.window { return true }
        self.isHeldBack.store(true, ordering: .sequentiallyConsistent)
        // The loop may have made room in between and not have seen the mark.
        guard self.undelivered.load(ordering: .sequentiallyConsistent) <= CurlCall.window / 2 else { return false }
        return self.isHeldBack.exchange(false, ordering: .sequentiallyConsistent)
    }

    func took(_ bytes: Int) {
        self.undelivered.add(bytes, ordering: .sequentiallyConsistent)
    }
}
