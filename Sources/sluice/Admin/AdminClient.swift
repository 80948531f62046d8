import FoundationEssentials
import Glibc
import SluiceCore
import SluiceSQLite

/// Talks to the admin listener of a server that runs on this machine: one request, one answer, plain HTTP/1.1.
struct AdminClient {
    struct Answer {
        var status: Int
        var body: [UInt8]
    }

    private let address: String
    private let token: String?

    /// nil where no server runs on the folder.
    init?(_ folder: DataFolder) {
        guard let file = ServerFile.read(folder) else { return nil }
        self.address = file.admin
        self.token = ProcessInfo.processInfo.environment["SLUICE_ADMIN_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// - Throws: Where there is no answer, or one that refuses.
    func send(_ method: String, _ path: String, query: [(String, String)] = []) throws(StoreError) -> [UInt8] {
        let target = path + (query.isEmpty ? "" : "?" + query.map { "\($0)=\(AdminClient.escaped($1))" }.joined(separator: "&"))
        let answer = try self.exchange(method, target)
        guard (200..<300).contains(answer.status) else {
            let problem = try? JSONDecoder().decode(Problem.self, from: Data(answer.body))
            throw StoreError(answer.status == 404 ? .other : .busy, problem?.detail ?? "the server answered \(answer.status)")
        }
        return answer.body
    }

    private struct Problem: Decodable {
        var detail: String
    }

    /// For a part of a path or a query.
    static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "_"), UInt8(ascii: "."):
                String(UnicodeScalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }

    private func exchange(_ method: String, _ target: String) throws(StoreError) -> Answer {
        let socket = try self.connected()
        defer { close(socket) }
        var head = "\(method) \(target) HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n"
        if let token { head += "authorization: Bearer \(token)\r\n" }
        var rest = Array((head + "\r\n").utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(socket, $0.baseAddress, $0.count) }
            guard count > 0 else { throw self.failure("does not listen") }
            rest = rest.dropFirst(count)
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(socket, &chunk, chunk.count)
            guard count >= 0 else { throw self.failure("broke off") }
            if count == 0 { break }
            bytes += chunk.prefix(count)
        }
        guard let answer = Answer(bytes) else { throw self.failure("gave no answer that can be read") }
        return answer
    }

    private func failure(_ what: String) -> StoreError {
        StoreError(.other, "the server at \(self.address) \(what) (\(String(cString: strerror(errno))))")
    }

    private func connected() throws(StoreError) -> Int32 {
        if self.address.hasPrefix("unix:") { return try self.connectedToPath(String(self.address.dropFirst(5))) }
        guard let colon = self.address.lastIndex(of: ":") else { throw self.failure("has no port") }
        let host = self.address[..<colon].filter { $0 != "[" && $0 != "]" }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        // A server that listens everywhere is reached by the loopback address of its kind.
        let name = host == "0.0.0.0" ? "127.0.0.1" : host == "::" ? "::1" : host
        guard getaddrinfo(name, String(self.address[self.address.index(after: colon)...]), &hints, &found) == 0, let info = found?.pointee else {
            throw self.failure("cannot be found")
        }
        defer { freeaddrinfo(found) }
        let socket = Glibc.socket(info.ai_family, info.ai_socktype, 0)
        guard socket >= 0, connect(socket, info.ai_addr, info.ai_addrlen) == 0 else {
            close(socket)
            throw self.failure("does not listen")
        }
        return socket
    }

    private func connectedToPath(_ path: String) throws(StoreError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8CString)
        guard bytes.count <= MemoryLayout.size(ofValue: address.sun_path) else { throw self.failure("has too long a path") }
        withUnsafeMutableBytes(of: &address.sun_path) { target in bytes.withUnsafeBytes { target.copyMemory(from: $0) } }
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let code = withUnsafePointer(to: &address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, size) } }
        guard socket >= 0, code == 0 else {
            close(socket)
            throw self.failure("does not listen")
        }
        return socket
    }
}

extension AdminClient.Answer {
    /// Reads a whole answer, up to the end of its connection.
    init?(_ bytes: [UInt8]) {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { return nil }
        let isChunked = lines.dropFirst().contains { $0.lowercased().hasPrefix("transfer-encoding:") && $0.lowercased().hasSuffix("chunked") }
        let body = Array(bytes[end.upperBound...])
        self.init(status: status, body: isChunked ? AdminClient.Answer.unchunked(body) : body)
    }

    private static func unchunked(_ bytes: [UInt8]) -> [UInt8] {
        var body: [UInt8] = []
        var rest = bytes[...]
        while let lineEnd = rest.firstRange(of: [0x0D, 0x0A]), let size = Int(String(decoding: rest[..<lineEnd.lowerBound], as: UTF8.self), radix: 16), size > 0 {
            body += rest[lineEnd.upperBound...].prefix(size)
            rest = rest[lineEnd.upperBound...].dropFirst(size + 2)
        }
        return body
    }
}
