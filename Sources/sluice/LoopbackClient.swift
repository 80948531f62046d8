import Glibc
import SluiceWire

/// A small blocking HTTP/1.1 client for listeners on this machine: what commands ask a running server with.
struct LoopbackClient: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    struct Answer: Sendable {
        var status: Int
        /// By names in lower case.
        var headers: [String: String]
        var body: [UInt8]
    }

    private let address: String
    var timeout: Int = 60

    /// - Parameter address: `127.0.0.1:9090` or `unix:/run/sluice.sock`, as `server.json` has it.
    init(_ address: String) {
        self.address = address
    }

    /// Sends one request and reads the whole answer.
    ///
    /// - Parameter onBody: Hears pieces of the body as they come, framing taken off.
    func send(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8] = [], onBody: (ArraySlice<UInt8>) -> Void = { _ in }
    ) throws(Failure) -> Answer {
        let socket = try self.connect()
        defer { close(socket) }
        var request = "\(method) \(path) HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: \(body.count)\r\n"
        for (name, value) in headers { request += "\(name): \(value)\r\n" }
        try self.write(Array((request + "\r\n").utf8) + body, to: socket)
        return try self.read(from: socket, onBody)
    }

    private func connect() throws(Failure) -> Int32 {
        let descriptor = self.address.hasPrefix("unix:") ? try self.connect(path: String(self.address.dropFirst(5))) : try self.connectByName()
        var wait = timeval(tv_sec: self.timeout, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
        return descriptor
    }

    private func connectByName() throws(Failure) -> Int32 {
        guard let colon = self.address.lastIndex(of: ":") else { throw Failure(description: "\(self.address) is no address of a listener on this machine") }
        let host = self.address[..<colon].filter { $0 != "[" && $0 != "]" }
        // A server that listens everywhere is reached by the loopback address of its kind.
        let name = host == "0.0.0.0" ? "127.0.0.1" : host == "::" ? "::1" : host
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, String(self.address[self.address.index(after: colon)...]), &hints, &found) == 0, let info = found?.pointee else {
            throw Failure(description: "\(self.address) cannot be found")
        }
        defer { freeaddrinfo(found) }
        return try self.connect(socket(info.ai_family, info.ai_socktype, 0), info.ai_addr, info.ai_addrlen)
    }

    private func connect(path: String) throws(Failure) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8CString)
        guard bytes.count <= MemoryLayout.size(ofValue: address.sun_path) else { throw Failure(description: "the path of \(self.address) is too long") }
        withUnsafeMutableBytes(of: &address.sun_path) { target in bytes.withUnsafeBytes { target.copyMemory(from: $0) } }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        return try withUnsafePointer(to: &address) { pointer throws(Failure) in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address throws(Failure) in
                try self.connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    private func connect(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) throws(Failure) -> Int32 {
        guard descriptor >= 0, Glibc.connect(descriptor, address, size) == 0 else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw Failure(description: "\(self.address) does not answer: \(reason)")
        }
        return descriptor
    }

    private func write(_ bytes: [UInt8], to socket: Int32) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure(description: "the connection broke while the request was sent") }
            rest = rest.dropFirst(count)
        }
    }

    private func read(from socket: Int32, _ onBody: (ArraySlice<UInt8>) -> Void) throws(Failure) -> Answer {
        var head = HTTPHead()
        var bytes: [UInt8] = []
        while try !self.scan(&head, bytes) {
            guard let more = try self.receive(socket) else { throw Failure(description: "the server closed the connection without an answer") }
            bytes += more
        }
        var answer = Answer(status: head.status, headers: [:], body: [])
        for field in head.fields {
            answer.headers[String(decoding: bytes[field.name], as: UTF8.self).lowercased()] = String(decoding: bytes[field.value], as: UTF8.self)
        }
        var body = BodyReader(framing: head.framing)
        var piece = Array(bytes[head.length...])
        while true {
            let taken = try body.take(piece)
            if !taken.isEmpty { onBody(taken[...]) }
            answer.body += taken
            guard !body.isOver, let more = try self.receive(socket) else { break }
            piece = more
        }
        guard body.isOver || head.framing == .untilClose else { throw Failure(description: "the answer was cut off") }
        return answer
    }

    private func scan(_ head: inout HTTPHead, _ bytes: [UInt8]) throws(Failure) -> Bool {
        do {
            return try bytes.withUnsafeBytes { try head.scanAnswer($0) }
        } catch {
            throw Failure(description: "the answer is no HTTP/1.1: \(error)")
        }
    }

    /// nil at the connection's end.
    private func receive(_ socket: Int32) throws(Failure) -> [UInt8]? {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(socket, &chunk, chunk.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(description: errno == EAGAIN ? "no answer within \(self.timeout) s" : "the connection broke") }
            return count == 0 ? nil : Array(chunk[..<count])
        }
    }

    /// Takes the framing off a body.
    private struct BodyReader {
        private let framing: HTTPHead.Framing
        private var left = 0
        private var chunks = ChunkedBody()
        private(set) var isOver = false

        init(framing: HTTPHead.Framing) {
            self.framing = framing
            switch framing {
            case .none: self.isOver = true
            case .length(let count):
                self.left = count
                self.isOver = count == 0
            case .chunked, .untilClose: break
            }
        }

        mutating func take(_ bytes: [UInt8]) throws(Failure) -> [UInt8] {
            switch self.framing {
            case .none: return []
            case .untilClose: return bytes
            case .length:
                let taken = Array(bytes.prefix(self.left))
                self.left -= taken.count
                self.isOver = self.left == 0
                return taken
            case .chunked: return try self.takeChunks(bytes)
            }
        }

        private mutating func takeChunks(_ bytes: [UInt8]) throws(Failure) -> [UInt8] {
            var taken: [UInt8] = []
            var position = 0
            do {
                try bytes.withUnsafeBytes { view in
                    while true {
                        switch try self.chunks.next(view, at: &position) {
                        case .data(let range): taken += view[range]
                        case .end:
                            self.isOver = true
                            return
                        case .more: return
                        }
                    }
                }
            } catch {
                throw Failure(description: "the answer's framing is broken: \(error)")
            }
            return taken
        }
    }
}
