import CCurl
import Glibc
import NIOCore
import Synchronization

/// A thread that runs libcurl for one event loop: commands go in under one lock, what became of them comes back once per turn.
final class TransferEngine: Sendable {
    enum Command: Sendable {
        case start(CurlCall)
        /// The call was cancelled.
        case drop(CurlCall)
        /// The call's window has room again.
        case resume(CurlCall)
        case stop
    }

    struct Delivery: Sendable {
        let call: CurlCall
        let event: CurlCall.Event
    }

    private struct Inbox {
        var commands: [Command] = []
        /// The thread waits for sockets and must be woken.
        var isAsleep = false
        var thread: pthread_t?
        var isStopped = false
    }

    private struct Outbox {
        var deliveries: [Delivery] = []
        /// The loop was told to come and take them.
        var isAnnounced = false
    }

    let loop: any EventLoop
    let configuration: CurlTransport.Configuration
    /// Readable when the thread is to wake up.
    let bell: Int32
    private let inbox = Mutex(Inbox())
    private let outbox = Mutex(Outbox())

    init(loop: any EventLoop, configuration: CurlTransport.Configuration) {
        self.loop = loop
        self.configuration = configuration
        self.bell = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        precondition(self.bell >= 0, "no file descriptor is left for a transfer engine")
    }

    deinit {
        close(self.bell)
    }

    /// Hands a command to the thread, which is started with the first one.
    func post(_ command: Command) {
        let wakes = self.inbox.withLock { inbox in
            if inbox.isStopped { return false }
            if case .stop = command { inbox.isStopped = true }
            if inbox.thread == nil {
                // Nothing was started that could be dropped, resumed or stopped.
                guard case .start = command else { return false }
                inbox.thread = EngineThread.start { TransferLoop(engine: self).run() }
            }
            inbox.commands.append(command)
            defer { inbox.isAsleep = false }
            return inbox.isAsleep
        }
        if wakes { self.ring() }
    }

    /// Returns when the thread is gone.
    func waitForEnd() {
        let thread = self.inbox.withLock { inbox in
            defer { inbox.thread = nil }
            return inbox.thread
        }
        if let thread { pthread_join(thread, nil) }
    }

    // MARK: - On the thread

    /// Takes the commands that wait.
    func takeCommands() -> [Command] {
        self.inbox.withLock { inbox in
            inbox.isAsleep = false
            guard !inbox.commands.isEmpty else { return [] }
            return exchange(&inbox.commands, [])
        }
    }

    /// To be called before sleeping: from now on a command rings the bell.
    ///
    /// - Returns: false where commands wait already.
    func fallsAsleep() -> Bool {
        self.inbox.withLock { inbox in
            inbox.isAsleep = inbox.commands.isEmpty
            return inbox.isAsleep
        }
    }

    /// Hands over what a turn has collected; `deliveries` is empty afterwards.
    func handOver(_ deliveries: inout [Delivery]) {
        let announces = self.outbox.withLock { outbox in
            if outbox.deliveries.isEmpty {
                swap(&outbox.deliveries, &deliveries)
            } else {
                outbox.deliveries.append(contentsOf: deliveries)
            }
            defer { outbox.isAnnounced = true }
            return !outbox.isAnnounced
        }
        deliveries.removeAll(keepingCapacity: true)
        if announces { self.loop.execute { self.deliver() } }
    }

    private func ring() {
        var one: UInt64 = 1
        _ = write(self.bell, &one, 8)
    }

    // MARK: - On the event loop

    private func deliver() {
        let deliveries = self.outbox.withLock { outbox in
            outbox.isAnnounced = false
            return exchange(&outbox.deliveries, [])
        }
        for delivery in deliveries { delivery.call.deliver(delivery.event) }
        for delivery in deliveries { delivery.call.flush() }
    }
}

/// Puts a value in place of another, which it returns.
private func exchange<Value>(_ place: inout Value, _ value: Value) -> Value {
    var value = value
    swap(&place, &value)
    return value
}

/// A thread with a name, for a body that runs as long as the program or nearly so.
private enum EngineThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    static func start(_ body: @escaping @Sendable () -> Void) -> pthread_t {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(Body(body)).toOpaque()
        let result = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                ccurl_name_thread("transfers")
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument)
        precondition(result == 0, "no thread can be started for a transfer engine: error \(result)")
        return thread
    }
}
