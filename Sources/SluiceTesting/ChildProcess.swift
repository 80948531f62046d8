import Glibc
import Synchronization

/// A program that a test starts, reads from and may kill.
package final class ChildProcess {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String

        package init(description: String) {
            self.description = description
        }
    }

    private let pid: pid_t
    private let output: Int32
    private var buffer: [UInt8] = []
    private var status: Int32?

    /// Where the products of this build are: beside the tests themselves.
    package static func product(_ name: String) throws -> String {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        let own = String(decoding: path.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let product = own[..<(own.lastIndex(of: "/") ?? own.startIndex)] + "/" + name
        guard access(String(product), X_OK) == 0 else { throw Failure(description: "\(product) is not built") }
        return String(product)
    }

    /// - Parameter command: The path of the program and its arguments.
    package init(_ command: [String]) throws {
        (self.pid, self.output) = try ChildProcess.starting.withLock { _ in try ChildProcess.start(command) }
    }

    /// Held while one starts: another that started meanwhile would have this one's pipe open too, and it would never end.
    private static let starting = Mutex(())

    private static func start(_ command: [String]) throws -> (pid: pid_t, output: Int32) {
        var pipes: [Int32] = [0, 0]
        guard pipe(&pipes) == 0 else { throw Failure(description: "no pipe: \(String(cString: strerror(errno)))") }
        for descriptor in pipes { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var arguments = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, command[0], &actions, nil, &arguments, environ)
        close(pipes[1])
        guard code == 0 else {
            close(pipes[0])
            throw Failure(description: "cannot start \(command[0]): \(String(cString: strerror(code)))")
        }
        return (pid, pipes[0])
    }

    deinit {
        if self.status == nil {
            Glibc.kill(self.pid, SIGKILL)
            var status: Int32 = 0
            waitpid(self.pid, &status, 0)
        }
        close(self.output)
    }

    /// The next line that it prints; nil when it prints no more.
    package func line() -> String? {
        while true {
            if let end = self.buffer.firstIndex(of: 0x0A) {
                defer { self.buffer.removeFirst(end + 1) }
                return String(decoding: self.buffer[..<end], as: UTF8.self)
            }
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = read(self.output, &chunk, chunk.count)
            guard count > 0 else { return nil }
            self.buffer += chunk.prefix(count)
        }
    }

    /// All that it still prints, until it ends.
    package func rest() -> [String] {
        var lines: [String] = []
        while let line = self.line() { lines.append(line) }
        return lines
    }

    package func kill(_ signal: Int32 = SIGKILL) { Glibc.kill(self.pid, signal) }

    /// Its exit code; 128 + the signal where one ended it.
    @discardableResult
    package func wait() -> Int32 {
        if let status { return status }
        var raw: Int32 = 0
        while waitpid(self.pid, &raw, 0) < 0, errno == EINTR {}
        let status = raw & 0x7F == 0 ? (raw >> 8) & 0xFF : 128 + (raw & 0x7F)
        self.status = status
        return status
    }
}
