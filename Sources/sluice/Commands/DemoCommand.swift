import ArgumentParser
import FoundationEssentials
import Logging
import SluiceCore
import SluiceDispatch
import SluicePolicy
import SluiceSQLite

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Shows the whole road in half a minute: no key, no network.",
        discussion:
            "Starts the router on the quick start policy with two simulated backends, sends live and patient traffic through its real API, and prints where each request went and what was saved."
    )

    @Flag(help: "Leave the router running on 127.0.0.1:8080 and print a few curl lines to try.")
    var keep = false

    /// The demo's clock stands so long before the night: time enough to see work wait.
    private static let lead = Duration.seconds(7)

    func run() async throws {
        let console = Console()
        let now = Timestamp.now
        let source = try self.quickStart(at: now, console)
        guard let night = DemoCommand.nextNight(in: source.policy, after: now) else {
            throw CommandFailure(message: "the quick start policy has no window `night`").report(as: .text, on: console)
        }
        let clock = SluiceClock.system(shift: night - now - DemoCommand.lead)
        let folder = DataFolder(FileManager.default.temporaryDirectory.appending(path: "sluice-demo-\(ServerState.processID)").path(percentEncoded: false))
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        let (ready, isReady) = AsyncStream.makeStream(of: ServerFile.self)
        var logger = Logger.sluice(ProcessInfo.processInfo.environment)
        if ProcessInfo.processInfo.environment["SLUICE_LOG"] == nil { logger.logLevel = .error }
        var options = Router.Options(
            source: source, folder: folder, threads: 2, secrets: Secrets(environment: [:]), logger: logger)
        options.clock = clock
        options.drain = .seconds(2)
        options.onReady = { isReady.yield($0) }
        if !self.keep { (options.listen, options.admin) = (.tcp(host: "127.0.0.1", port: 0), .tcp(host: "127.0.0.1", port: 0)) }
        let router = try Router(options)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await router.run() }
            group.addTask {
                for await server in ready.prefix(1) { try await self.play(on: server, night: night, clock, source.policy, folder, console) }
                if !self.keep { router.stop() }
            }
            try await group.waitForAll()
        }
    }

    /// When the window `night` opens next; one that is open already does not count.
    private static func nextNight(in policy: PolicySet, after now: Timestamp) -> Timestamp? {
        guard policy.calendar.named["night"] != nil, let first = policy.calendar.nextOpening(of: .named("night"), from: now) else { return nil }
        return first.lowerBound > now ? first.lowerBound : policy.calendar.nextOpening(of: .named("night"), from: first.upperBound)?.lowerBound
    }

    private func quickStart(at now: Timestamp, _ console: Console) throws -> PolicySource {
        guard let path = QuickStart.find() else {
            throw CommandFailure(message: "the folder policies/quickstart is not there", hint: "run the demo from the project's folder").report(
                as: .text, on: console)
        }
        let reader = PolicyReader(PolicyFolder([path]), environment: PolicyEnvironment(variables: [:], purpose: .serve), prices: nil)
        do {
            return try PolicySource(reader, at: now)
        } catch {
            throw CommandFailure(message: "\(error)").report(as: .text, on: console)
        }
    }

    private func report(_ folder: DataFolder, _ policy: PolicySet, _ console: Console) throws {
        let ledger = SQLiteLedger(reading: try StoreReader(file: folder.database))
        let report = try Report(of: ledger, since: nil, until: nil, by: [.trafficClass, .backend], currency: policy.currency)
        console.print(ReportText(report, style: TextStyle(console)).text, terminator: "")
    }

    private func play(
        on server: ServerFile, night: Timestamp, _ clock: SluiceClock, _ policy: PolicySet, _ folder: DataFolder, _ console: Console
    ) async throws {
        let (client, admin) = (LoopbackClient(server.api), LoopbackClient(server.admin))
        console.print("Sluice serves policies/quickstart on http://\(server.api), policy \(policy.revision.prefix(6)).")
        console.print("Its clock stands \(DemoCommand.lead.milliseconds / 1000) s before the night, when patient work may run; it goes at normal speed.\n")
        let stage = DemoStage(
            traffic: DemoTraffic(client: client, admin: admin) { clock.now.monotonic }, console: console, opening: night, clock: { clock.now.wall },
            started: clock.now.monotonic)
        let failed = try await stage.play()
        console.print("")
        try self.report(folder, policy, console)
        if failed > 0 { console.print("\(failed) requests did not end well.") }
        guard self.keep else { return }
        console.print(
            """
            The router stays up until you press Ctrl-C. Try:

              curl -i http://\(server.api)/v1/chat/completions -d '{"model":"chat","messages":[{"role":"user","content":"hi"}]}' | grep -i sluice-
              curl -i http://\(server.api)/v1/chat/completions -H 'Prefer: respond-async' -d '{"model":"chat","messages":[{"role":"user","content":"later"}]}'
              curl -s http://\(server.admin)/api/report?by=class,backend
            """)
    }
}

/// Where the quick start policy stands: in the working folder, or beside the program.
enum QuickStart {
    static func find() -> String? {
        let manager = FileManager.default
        if manager.fileExists(atPath: "policies/quickstart") { return "policies/quickstart" }
        guard var folder = PriceBookFolder.executable.map({ URL(filePath: $0).deletingLastPathComponent() }) else { return nil }
        let shared = folder.appending(path: "../share/sluice/policies/quickstart").path(percentEncoded: false)
        if manager.fileExists(atPath: shared) { return shared }
        for _ in 0..<5 {
            let candidate = folder.appending(path: "policies/quickstart").path(percentEncoded: false)
            if manager.fileExists(atPath: candidate) { return candidate }
            folder.deleteLastPathComponent()
        }
        return nil
    }
}
