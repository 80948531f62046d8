import NIOCore
import NIOPosix
import SluiceCore
import SluiceDispatch
import SluiceTransfer

/// Whether backends can be reached from here: a connection is opened and closed, nothing is sent.
struct BackendChecks {
    let policy: PolicySet

    private static let patience = TimeAmount.seconds(2)

    func findings() async -> [Checkup.Finding] {
        let group = MultiThreadedEventLoopGroup.singleton
        return await withTaskGroup(of: (Int, Checkup.Finding).self) { tasks in
            for (index, backend) in self.policy.backends.enumerated() {
                guard let url = backend.url else { continue }
                tasks.addTask { (index, await BackendChecks.finding(backend, url, on: group)) }
            }
            var found: [(Int, Checkup.Finding)] = []
            for await finding in tasks { found.append(finding) }
            return (self.libcurl.map { [$0] } ?? []) + found.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    /// nil where no backend needs it.
    private var libcurl: Checkup.Finding? {
        guard self.policy.backends.contains(where: { $0.transport == .secure }) else { return nil }
        do throws(CurlTransport.Unavailable) {
            try CurlTransport.prepare()
            return .well("libcurl", "is there, for calls over TLS")
        } catch {
            return .ill("libcurl", .error, "\(error)", fix: "install the package libcurl4, and start the server again")
        }
    }

    private static func finding(_ backend: Backend, _ url: BackendURL, on group: any EventLoopGroup) async -> Checkup.Finding {
        let name = "backend \(backend.name)"
        let start = ContinuousClock.now
        do {
            let channel = try await ClientBootstrap(group: group).connectTimeout(self.patience).connect(host: url.host, port: url.port).get()
            try? await channel.close()
            return .well(name, "\(url.host):\(url.port) takes connections, after \((ContinuousClock.now - start).milliseconds) ms")
        } catch {
            return .ill(
                name, .warning, "\(url.host):\(url.port) cannot be reached: \(error)",
                fix: "requests go to the other backends of its pools; see to the host, its port and the firewall")
        }
    }
}
