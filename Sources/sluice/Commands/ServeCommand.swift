import ArgumentParser
import FoundationEssentials
import Glibc
import Logging
import NIOCore
import SluiceCore
import SluiceDispatch
import SluicePolicy
import SluiceSQLite
import SluiceServer

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Runs the router.",
        discussion: "SIGTERM drains: readiness fails first, streams finish, queued work stays. A second one stops at once. SIGHUP reloads the policy.")

    @OptionGroup var policy: PolicyOptions
    @OptionGroup var data: DataOptions

    @Option(help: ArgumentHelp("How long streams may go on after SIGTERM, such as 60s.", valueName: "time"))
    var drain = "60s"

    @Option(help: "Event loops for API traffic; one for each core is usual.")
    var threads: Int?

    @Flag(help: "Accept a policy with parts that are read but not yet acted on.")
    var preview = false

    @Flag(name: .customLong("no-tests"), help: "Accept a policy whose own tests fail.")
    var noTests = false

    func validate() throws {
        guard DurationText.parse(self.drain) != nil else { throw ValidationError("--drain is no duration; write 60s or 5m") }
        guard self.threads.map({ $0 > 0 }) ?? true else { throw ValidationError("--threads must be at least 1") }
    }

    func run() async throws {
        let console = Console()
        do {
            try await self.router().run()
        } catch {
            throw self.report(error, on: console)
        }
    }

    /// Says what keeps the server from running: exit 1 where the policy, or what it asks for, is refused, 2 where that could not be tried.
    private func report(_ error: any Error, on console: Console) -> ExitCode {
        switch error {
        case let refusal as PolicySource.Refusal:
            self.show(refusal, on: console)
            return if case .missing = refusal.reason { ExitCode(2) } else { ExitCode(1) }
        case is Secrets.Missing, is ListenerTLS.Unreadable, is KeylessListener:
            console.talk("sluice: \(error)")
            return ExitCode(1)
        case let missing as PolicyFolder.Missing:
            console.talk("sluice: \(missing.message)")
        case let error as IOError:
            let file = self.policy.config ?? "the policy"
            console.talk("sluice: an address of `server: { listen, admin }` in \(file) cannot be opened: \(String(cString: strerror(error.errnoCode)))")
        case let error as StoreError:
            console.talk("sluice: \(error.message)")
        default:
            console.talk("sluice: the server cannot run: \(error)")
        }
        return ExitCode(2)
    }

    private func router() throws -> Router {
        let environment = ProcessInfo.processInfo.environment
        let now = Timestamp.now
        var leniency: PolicySource.Leniency = []
        if self.preview { leniency.insert(.preview) }
        if self.noTests { leniency.insert(.failingTests) }
        let source = try PolicySource(try self.policy.reader(for: .serve), leniency: leniency, at: now)
        let options = Router.Options(
            source: source, folder: self.data.folder(source.policy), threads: self.threads ?? max(1, ProcessInfo.processInfo.activeProcessorCount),
            drain: DurationText.parse(self.drain) ?? .seconds(60), secrets: Secrets(environment: environment),
            adminToken: environment["SLUICE_ADMIN_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }, logger: .sluice(environment))
        ServeCommand.raiseFileLimit()
        return try Router(options)
    }

    /// A policy that is not accepted is shown as `check` shows it.
    private func show(_ refusal: PolicySource.Refusal, on console: Console) {
        switch refusal.reason {
        case .errors(let loaded):
            let text = DiagnosticText(loaded)
            for diagnostic in loaded.diagnostics where diagnostic.severity == .error { console.talk(text.text(diagnostic)) }
            console.talk(DiagnosticText.summary(of: loaded))
        case .missing, .failedTests, .notYet:
            console.talk("sluice: \(refusal)")
        }
    }

    /// Every stream takes two descriptors; the soft limit of 1,024 is for programs that use `select`.
    private static func raiseFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, 1 << 20)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

extension Logger {
    /// Logs to stderr at the level of `SLUICE_LOG`, `notice` if it is not set.
    static func sluice(_ environment: [String: String]) -> Logger {
        var logger = Logger(label: "sluice") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = environment["SLUICE_LOG"].flatMap { Level(rawValue: $0) } ?? .notice
        return logger
    }
}
