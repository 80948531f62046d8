package import Logging
package import NIOCore
import SluiceCore
package import SluiceDispatch
package import SluiceWire

/// What the connections of one event loop share. Bound to that loop.
package final class ServerLoop {
    package struct Limits: Sendable {
        /// Bodies of inference requests.
        package var body = 32 << 20
        package var head = HTTPHead.Limits()
        /// From a connection's first byte of a request to the end of its head.
        package var headTime = Duration.seconds(10)
        /// A body must come with at least 1 KiB/s once this has passed.
        package var bodyGrace = Duration.seconds(10)
        /// Between two requests.
        package var idleTime = Duration.seconds(15)
        /// One that there is no room for, before it asks.
        package var excessTime = Duration.seconds(2)
        /// A client that takes nothing for this long is cut.
        package var writeTime = Duration.seconds(60)

        package init() {}
    }

    package let loop: any EventLoop
    let dispatcher: Dispatcher
    let policy: PolicyInForce
    let keys: KeyRing
    let ledger: LiveLedger
    let deferral: Deferral?
    let desk: IdempotencyDesk?
    let calls: CallsInFlight?
    let clock: SluiceClock
    let limits: Limits
    let logger: Logger
    let keepsHalfClosed: Bool
    let share: ConnectionShare
    var ids = RequestIDs()
    let turn: SocketTurn
    /// The clock as it was read last on this loop: exact enough for what is waited for by the second.
    private(set) var latest = MonotonicInstant(nanoseconds: 0)
    private var connections: [HotConnection] = []
    private var timer: RepeatedTask?
    /// New requests are refused: the server is on its way out.
    private(set) var isDraining = false

    package init(
        loop: any EventLoop, dispatcher: Dispatcher, policy: PolicyInForce, keys: KeyRing, ledger: LiveLedger, deferral: Deferral?, desk: IdempotencyDesk?,
        calls: CallsInFlight?,
        clock: SluiceClock, limits: Limits, keepsHalfClosed: Bool, share: ConnectionShare, logger: Logger
    ) {
        self.loop = loop
        self.turn = SocketTurn(loop: loop)
        self.dispatcher = dispatcher
        self.policy = policy
        self.keys = keys
        self.ledger = ledger
        self.deferral = deferral
        self.desk = desk
        self.calls = calls
        self.clock = clock
        self.limits = limits
        self.keepsHalfClosed = keepsHalfClosed
        self.share = share
        self.logger = logger
    }

    /// Reads the clock.
    func readClock() -> Now {
        let now = self.clock.now
        self.latest = now.monotonic
        return now
    }

    /// Connections that are open on this loop.
    package var connectionCount: Int { self.connections.count }

    func add(_ connection: HotConnection) {
        connection.place = self.connections.count
        self.connections.append(connection)
        guard self.timer == nil else { return }
        let bound = NIOLoopBound(self, eventLoop: self.loop)
        self.timer = self.loop.scheduleRepeatedTask(initialDelay: .milliseconds(250), delay: .milliseconds(250)) { _ in bound.value.look() }
    }

    func remove(_ connection: HotConnection) {
        guard connection.place >= 0 else { return }
        let last = self.connections.removeLast()
        if last !== connection {
            self.connections[connection.place] = last
            last.place = connection.place
        }
        connection.place = -1
    }

    private func look() {
        guard !self.connections.isEmpty else {
            self.timer?.cancel()
            self.timer = nil
            return
        }
        let now = self.readClock().monotonic
        for connection in Array(self.connections) { connection.check(at: now) }
    }

    /// Refuses new requests; connections close once they are idle.
    package func drain() {
        self.isDraining = true
        for connection in Array(self.connections) { connection.drain() }
    }

    /// The grace is over: streams end with an error event, everything closes.
    package func cut() {
        for connection in Array(self.connections) { connection.cut() }
    }
}
