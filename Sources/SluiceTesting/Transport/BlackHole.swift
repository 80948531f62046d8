import Glibc
import SluiceCore

/// A port of this machine that takes no connection and refuses none: a listening socket whose queue is full.
struct BlackHole {
    private let listener: Int32
    private let fillers: [Int32]
    private let port: Int
    /// The last filler is the one that was not let in.
    private let knockingFillers = 1

    /// - Throws: ``TransportConformance/Skipped`` where the system answers all the same.
    init() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 0) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        var fillers: [Int32] = []
        var isFull = false
        while isListening, !isFull, fillers.count < 16 {
            let filler = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            fillers.append(filler)
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = connect(filler, $0, length) }
            }
            var poller = pollfd(fd: filler, events: Int16(POLLOUT), revents: 0)
            isFull = poll(&poller, 1, 100) == 0
        }
        self.listener = listener
        self.fillers = fillers
        self.port = Int(UInt16(bigEndian: address.sin_port))
        guard isFull else {
            self.close()
            throw TransportConformance.Skipped(description: "no port of this machine can be made a black hole")
        }
    }

    func url(isSecure: Bool) -> BackendURL {
        guard let url = BackendURL("\(isSecure ? "https" : "http")://127.0.0.1:\(self.port)") else {
            preconditionFailure("port \(self.port)")
        }
        return url
    }

    /// Sockets of this machine that knock at it and have heard nothing, besides those that fill its queue.
    var callers: Int {
        guard let table = fopen("/proc/net/tcp", "r") else { preconditionFailure("no /proc/net/tcp: error \(errno)") }
        defer { fclose(table) }
        let digits = String(self.port, radix: 16, uppercase: true)
        // A remote address and the state SYN_SENT.
        let wanted = ":" + String(repeating: "0", count: 4 - digits.count) + digits + " 02 "
        var line = [CChar](repeating: 0, count: 512)
        var knocking = 0
        while fgets(&line, 512, table) != nil {
            if strstr(line, wanted) != nil { knocking += 1 }
        }
        return knocking - self.knockingFillers
    }

    func close() {
        for socket in self.fillers + [self.listener] { Glibc.close(socket) }
    }
}
