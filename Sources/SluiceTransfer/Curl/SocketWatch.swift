import CCurl
import Glibc

/// The epoll set of an engine and what it knows of each socket.
///
/// A connection that libcurl keeps for later stays in the set: what arrives on it while nobody asked (the peer's close, or bytes left over
/// from an answer) makes it unfit, which libcurl itself would not notice in the second case.
final class SocketWatch {
    /// Something happened on a socket that a transfer waits for.
    struct Readiness {
        let socket: Int32
        /// In libcurl's words, `CURL_CSELECT_…`.
        let mask: Int32
    }

    private struct Record {
        /// What epoll was told; 0 where the socket is not in the set.
        var interest: UInt32 = 0
        /// A transfer waits for it.
        var isWanted = false
        /// A connection, opened through ``open(_:for:)``, not one of libcurl's own pipes.
        var isConnection = false
        /// Many calls share it (HTTP/2): what arrives while it is idle is libcurl's business.
        var isShared = false
        /// Kept for later, since then and after such an answer.
        var idle: (since: UInt64, after: ConnectionHabit.Answer)?
        /// Whose connection it is: an index of the engine's habits.
        var host = 0
    }

    private let epoll: Int32
    private let bell: Int32
    /// A socket whose other end is closed.
    private let deadEnd: Int32
    private var records: [Record] = []
    /// Connections that are open, idle ones included.
    private(set) var connections = 0
    /// Sockets that no transfer waits for any more; what becomes of them is known at the end of the turn.
    private var released: [Int32] = []
    private let events: UnsafeMutableBufferPointer<epoll_event>
    /// Called when an idle connection was closed by its host: host, kind of answer before, idle since.
    var onIdleClose: (Int, ConnectionHabit.Answer, UInt64) -> Void = { _, _, _ in }
    /// Called likewise when an idle connection is used again, or closed by libcurl.
    var onIdleEnd: (Int, ConnectionHabit.Answer, UInt64) -> Void = { _, _, _ in }

    init(bell: Int32) {
        self.bell = bell
        self.epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        precondition(self.epoll >= 0, "no file descriptor is left for a transfer engine")
        var pair: (Int32, Int32) = (-1, -1)
        let result = withUnsafeMutablePointer(to: &pair) { pointer in
            pointer.withMemoryRebound(to: Int32.self, capacity: 2) {
                socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, $0)
            }
        }
        precondition(result == 0, "no file descriptor is left for a transfer engine")
        close(pair.1)
        self.deadEnd = pair.0
        self.events = .allocate(capacity: 256)
        self.tell(EPOLL_CTL_ADD, self.bell, EPOLLIN.rawValue)
    }

    deinit {
        self.events.deallocate()
        close(self.epoll)
        close(self.deadEnd)
    }

    /// Waits up to `timeout` milliseconds (-1: without limit), deals with the bell and with idle connections, and adds the rest to `ready`.
    func wait(timeout: Int32, into ready: inout [Readiness]) {
        let count = epoll_wait(self.epoll, self.events.baseAddress, Int32(self.events.count), timeout)
        guard count > 0 else { return }
        for event in self.events[..<Int(count)] {
            let socket = event.data.fd
            if socket == self.bell {
                var count: UInt64 = 0
                _ = read(self.bell, &count, 8)
            } else if Int(socket) < self.records.count {
                if self.records[Int(socket)].isWanted {
                    ready.append(Readiness(socket: socket, mask: SocketWatch.mask(event.events)))
                } else {
                    self.idleConnectionSpoke(socket)
                }
            }
        }
    }

    // MARK: - What libcurl asks for

    /// Answers `CURLMOPT_SOCKETFUNCTION`.
    func change(_ socket: Int32, to what: Int32) {
        self.reserve(socket)
        guard what != CURL_POLL_REMOVE else {
            self.records[Int(socket)].isWanted = false
            return self.released.append(socket)
        }
        self.records[Int(socket)].isWanted = true
        self.endIdling(socket)
        var interest: UInt32 = 0
        if what == CURL_POLL_IN || what == CURL_POLL_INOUT { interest |= EPOLLIN.rawValue | EPOLLRDHUP.rawValue }
        if what == CURL_POLL_OUT || what == CURL_POLL_INOUT { interest |= EPOLLOUT.rawValue }
        self.watch(socket, for: interest)
    }

    /// Notes a connection that was opened for a host.
    func opened(_ socket: Int32, host: Int) {
        self.reserve(socket)
        self.records[Int(socket)] = Record(isConnection: true, host: host)
        self.connections += 1
    }

    /// Notes that a socket is about to be closed, which takes it out of the set too.
    func closes(_ socket: Int32) {
        self.reserve(socket)
        if self.records[Int(socket)].isConnection { self.connections -= 1 }
        self.endIdling(socket)
        self.records[Int(socket)] = Record()
    }

    // MARK: - Idle connections

    /// Notes that an answer is over. If libcurl kept the connection, it is idle from now on.
    ///
    /// - Returns: whether it did.
    func ended(_ socket: Int32, after answer: ConnectionHabit.Answer, isShared: Bool, at now: UInt64) -> Bool {
        guard Int(socket) < self.records.count else { return false }
        let record = self.records[Int(socket)]
        guard record.isConnection, !record.isWanted else { return false }
        self.records[Int(socket)].isShared = isShared
        self.records[Int(socket)].idle = (now, answer)
        return true
    }

    /// Decides what becomes of the sockets that were released in this turn: idle connections are watched, those of paused calls are not.
    func settle() {
        for socket in self.released {
            let record = self.records[Int(socket)]
            guard !record.isWanted else { continue }
            self.watch(socket, for: record.isConnection && record.idle != nil ? EPOLLIN.rawValue | EPOLLRDHUP.rawValue : 0)
        }
        self.released.removeAll(keepingCapacity: true)
    }

    private func endIdling(_ socket: Int32) {
        guard let idle = self.records[Int(socket)].idle else { return }
        self.records[Int(socket)].idle = nil
        self.onIdleEnd(self.records[Int(socket)].host, idle.after, idle.since)
    }

    /// Closes an idle connection under libcurl, which finds a dead socket in its place when it looks before the next use.
    ///
    /// libcurl itself looks for an end of file only, and would use a connection with bytes left over again.
    private func idleConnectionSpoke(_ socket: Int32) {
        let record = self.records[Int(socket)]
        self.watch(socket, for: 0)
        guard let idle = record.idle else { return }
        self.records[Int(socket)].idle = nil
        self.onIdleClose(record.host, idle.after, idle.since)
        guard !record.isShared else { return }
        dup2(self.deadEnd, socket)
    }

    // MARK: - The set

    private func watch(_ socket: Int32, for interest: UInt32) {
        let old = self.records[Int(socket)].interest
        guard old != interest else { return }
        self.records[Int(socket)].interest = interest
        if interest == 0 {
            self.tell(EPOLL_CTL_DEL, socket, 0)
        } else if !self.tell(old == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, interest) {
            // The number was closed and given out again behind our back.
            self.tell(old == 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, interest)
        }
    }

    @discardableResult
    private func tell(_ operation: Int32, _ socket: Int32, _ interest: UInt32) -> Bool {
        var event = epoll_event(events: interest, data: epoll_data_t(fd: socket))
        return epoll_ctl(self.epoll, operation, socket, &event) == 0
    }

    private func reserve(_ socket: Int32) {
        while self.records.count <= Int(socket) { self.records.append(Record()) }
    }

    private static func mask(_ events: UInt32) -> Int32 {
        var mask: Int32 = 0
        if events & (EPOLLIN.rawValue | EPOLLRDHUP.rawValue | EPOLLHUP.rawValue) != 0 { mask |= CURL_CSELECT_IN }
        if events & EPOLLOUT.rawValue != 0 { mask |= CURL_CSELECT_OUT }
        if events & EPOLLERR.rawValue != 0 { mask |= CURL_CSELECT_ERR }
        return mask
    }
}
