import CCurl
import Glibc
import NIOCore
import SluiceCore
import SluiceDispatch

/// What the thread of a ``TransferEngine`` does: turn after turn, it waits for sockets, commands and time, and lets libcurl go on.
///
/// The order within a turn is a promise: between the moment a connection becomes idle and its next use lies a look at its socket, so that
/// one that was closed or has bytes left over is not used again.
final class TransferLoop {
    let engine: TransferEngine
    let watch: SocketWatch
    let share: UnsafeMutableRawPointer?
    /// Collected in this turn.
    var outbox: [TransferEngine.Delivery] = []
    private var multi: UnsafeMutableRawPointer
    private var transfers: [ObjectIdentifier: Transfer] = [:]
    private var spare: [Transfer] = []
    private var habits: [ConnectionHabit] = []
    private var hosts: [BackendURL: Int] = [:]
    /// When libcurl wants to be called, in nanoseconds of the monotonic clock.
    private var alarm: UInt64?
    private var ready: [SocketWatch.Readiness] = []
    private var uploads = UploadWatch<CurlCall>()
    private var isStopped = false
    /// When the last call ended, while none is under way.
    private var quietSince: UInt64?

    init(engine: TransferEngine) {
        self.engine = engine
        self.watch = SocketWatch(bell: engine.bell)
        self.multi = TransferLoop.makeMulti()
        // Names and TLS sessions are known to all calls of the engine; one thread uses them, so they need no locks.
        self.share = ccurl_share_init()
        ccurl_share(self.share, CURL_LOCK_DATA_SSL_SESSION)
        ccurl_share(self.share, CURL_LOCK_DATA_DNS)
    }

    private static func makeMulti() -> UnsafeMutableRawPointer {
        guard let multi = ccurl_multi_init() else { preconditionFailure("libcurl has no memory for an engine") }
        // No limit on connections in use; idle ones end by age. 0 would mean four for each call under way.
        ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, 4096)
        return multi
    }

    /// Has libcurl call this loop; not in `init`, which is over before the thread begins its turns.
    private func listen() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        ccurl_multi_on_socket(self.multi, TransferLoop.onSocket, context)
        ccurl_multi_on_timer(self.multi, TransferLoop.onTimer, context)
    }

    /// Runs until the engine is stopped.
    func run() {
        self.listen()
        self.watch.onIdleClose = { [unowned self] host, answer, since in
            self.habits[host].closed(after: answer, idleSince: since, at: TransferLoop.now())
        }
        self.watch.onIdleEnd = { [unowned self] host, answer, since in self.habits[host].used(after: answer, idleSince: since) }
        while !self.isStopped { self.turn() }
        self.tearDown()
    }

    private func turn() {
        self.watch.wait(timeout: self.engine.fallsAsleep() ? self.timeUntilAlarm() : 0, into: &self.ready)
        let commands = self.engine.takeCommands()
        if !commands.isEmpty {
            for command in commands { self.obey(command) }
            self.runAlarm()
        }
        for readiness in self.ready { self.act(readiness.socket, readiness.mask) }
        self.ready.removeAll(keepingCapacity: true)
        self.runAlarm()
        self.collect()
        self.giveUpStalled()
        self.watch.settle()
        if !self.outbox.isEmpty { self.engine.handOver(&self.outbox) }
        self.closeWhenQuiet()
    }

    private func obey(_ command: TransferEngine.Command) {
        switch command {
        case .start(let call):
            if !call.isCancelled { self.start(call) }
        case .drop(let call):
            if let transfer = self.transfers.removeValue(forKey: ObjectIdentifier(call)) { self.recycle(transfer) }
        case .resume(let call):
            guard let transfer = self.transfers[ObjectIdentifier(call)], !transfer.resume() else { return }
            self.finish(transfer, CURLE_WRITE_ERROR)
        case .stop:
            self.isStopped = true
        }
    }

    private func start(_ call: CurlCall) {
        let transfer = self.spare.popLast() ?? Transfer(owner: self)
        let host = self.host(of: call.request.url)
        transfer.prepare(call, host: host, needsFreshConnection: self.habits[host].isInDoubt(at: TransferLoop.now()))
        self.transfers[ObjectIdentifier(call)] = transfer
        let code = ccurl_multi_add_handle(self.multi, transfer.easy)
        precondition(code == CURLM_OK, "libcurl does not take a transfer: error \(code.rawValue)")
        if call.request.body.readableBytes > UploadWatch<CurlCall>.smallest { self.uploads.add(call, at: TransferLoop.now()) }
    }

    /// Ends the transfers whose backends have stopped reading the request; their connections close.
    private func giveUpStalled() {
        guard let alarm = self.uploads.alarm, alarm <= TransferLoop.now() else { return }
        let stalled = self.uploads.look(at: TransferLoop.now()) { call in
            guard let sent = self.transfers[ObjectIdentifier(call)]?.sentBytes, sent < call.request.body.readableBytes else { return nil }
            return sent
        }
        for call in stalled {
            guard let transfer = self.transfers.removeValue(forKey: ObjectIdentifier(call)) else { continue }
            transfer.verdict = .stalled
            transfer.end(CURLE_OPERATION_TIMEDOUT)
            self.recycle(transfer)
        }
    }

    /// Ends the transfers that are over.
    private func collect() {
        var code = CURLE_OK
        while let easy = ccurl_multi_next_done(self.multi, &code) {
            guard let context = ccurl_context(easy) else { continue }
            self.finish(Transfer.of(context), code)
        }
    }

    private func finish(_ transfer: Transfer, _ code: CURLcode) {
        transfer.end(code)
        if let call = transfer.call { self.transfers[ObjectIdentifier(call)] = nil }
        self.noteIdle(transfer)
        self.recycle(transfer)
    }

    private func noteIdle(_ transfer: Transfer) {
        guard transfer.socket >= 0 else { return }
        let now = TransferLoop.now()
        if self.watch.ended(transfer.socket, after: transfer.answerKind, isShared: transfer.answer.isHTTP2, at: now) {
            self.habits[transfer.host].becameIdle(after: transfer.answerKind, at: now)
        }
    }

    /// Takes a transfer from libcurl, whose connection closes if the answer was not over, and keeps the handle.
    private func recycle(_ transfer: Transfer) {
        ccurl_multi_remove_handle(self.multi, transfer.easy)
        transfer.release()
        if self.spare.count < 1024 { self.spare.append(transfer) }
    }

    private func host(of url: BackendURL) -> Int {
        if let host = self.hosts[url] { return host }
        self.hosts[url] = self.habits.count
        self.habits.append(ConnectionHabit())
        return self.habits.count - 1
    }

    /// Closes all idle connections when no call was under way for long. libcurl does so only with the whole handle.
    private func closeWhenQuiet() {
        guard self.transfers.isEmpty, self.watch.connections > 0 else { return self.quietSince = nil }
        let now = TransferLoop.now()
        guard let since = self.quietSince else { return self.quietSince = now }
        guard now - since >= self.quietTime else { return }
        ccurl_multi_cleanup(self.multi)
        self.alarm = nil
        self.multi = TransferLoop.makeMulti()
        self.listen()
    }

    private var quietTime: UInt64 { UInt64(self.engine.configuration.quietTime.nanoseconds) }

    private func tearDown() {
        for transfer in self.transfers.values {
            transfer.end(CURLE_ABORTED_BY_CALLBACK)
            ccurl_multi_remove_handle(self.multi, transfer.easy)
        }
        self.transfers = [:]
        ccurl_multi_cleanup(self.multi)
        self.spare = []
        ccurl_share_cleanup(self.share)
        if !self.outbox.isEmpty { self.engine.handOver(&self.outbox) }
    }

    // MARK: - Sockets and time

    private func act(_ socket: Int32, _ mask: Int32) {
        ccurl_multi_socket_action(self.multi, socket, mask)
    }

    /// libcurl's wish to be called after so many milliseconds; -1 takes it back.
    func wake(in milliseconds: Int) {
        self.alarm = milliseconds < 0 ? nil : TransferLoop.now() + UInt64(milliseconds) * 1_000_000
    }

    /// Calls libcurl if its time has come, again while it wants to be called at once.
    private func runAlarm() {
        for _ in 0..<16 {
            guard let alarm = self.alarm, alarm <= TransferLoop.now() else { return }
            self.alarm = nil
            self.act(CURL_SOCKET_BAD, 0)
        }
    }

    private func timeUntilAlarm() -> Int32 {
        let quiet = self.quietSince.map { $0 + self.quietTime }
        guard let alarm = [self.alarm, quiet, self.uploads.alarm].compactMap({ $0 }).min() else { return -1 }
        let now = TransferLoop.now()
        return alarm <= now ? 0 : Int32(clamping: (alarm - now + 999_999) / 1_000_000)
    }

    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
