import ArgumentParser
import FoundationEssentials
import SluiceCore
import SluicePolicy
import SluiceSQLite

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Looks at what Sluice stands on: policy, disk, clock, time zones, backends.",
        discussion: "Exits 1 where something is wrong. With --ready it says nothing, and exits 0 while the server that runs here takes traffic.")

    @OptionGroup var policy: PolicyOptions
    @OptionGroup var data: DataOptions

    @Flag(help: "Only asks the running server whether it takes traffic; for health checks.")
    var ready = false

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func run() async throws {
        if self.ready {
            guard let client = AdminClient(self.data.folder()), (try? client.send("GET", "/readyz")) != nil else { throw ExitCode(1) }
            return
        }
        let console = Console()
        let now = Timestamp.now
        let (finding, loaded) = self.policyFinding(at: now)
        let policy = loaded?.policy
        var findings =
            [finding, loaded.flatMap { self.pricesFinding($0, at: now) }].compactMap { $0 } + MachineChecks(folder: self.data.folder(policy)).findings
        findings.append(self.serverFinding(policy))
        if let policy { findings += await BackendChecks(policy: policy).findings() }
        let checkup = Checkup(findings)
        switch self.output {
        case .json: try console.print(json: checkup)
        case .text: console.print(checkup.text(TextStyle(console)), terminator: "")
        }
        if !checkup.ok { throw ExitCode(1) }
    }

    private func policyFinding(at now: Timestamp) -> (Checkup.Finding, LoadedPolicy?) {
        let name = "policy"
        do {
            let loaded = try self.policy.read(at: now, for: .serve)
            let errors = loaded.diagnostics.filter { $0.severity == .error }
            let warnings = loaded.diagnostics.filter { $0.severity == .warning }
            if let worst = errors.first ?? warnings.first {
                let (count, kind) = errors.isEmpty ? (warnings.count, "warning") : (errors.count, "error")
                return (
                    .ill(
                        name, errors.isEmpty ? .warning : .error,
                        "\(count) \(kind)\(count == 1 ? "" : "s"), the first at \(worst.span.place.file):\(worst.span.place.line): \(worst.message)",
                        fix: "`sluice check` shows them all"), loaded
                )
            }
            return (.well(name, "revision \(loaded.policy?.revision ?? "none")"), loaded)
        } catch {
            return (.ill(name, .error, error.message, fix: "`sluice init` writes a first one"), nil)
        }
    }

    /// How old the prices are that money is counted by; nil where none says when it was read.
    private func pricesFinding(_ loaded: LoadedPolicy, at now: Timestamp) -> Checkup.Finding? {
        let stale = loaded.diagnostics.filter { $0.code == .stalePrice }
        if let first = stale.first {
            let more = stale.count == 1 ? "" : ", and \(stale.count - 1) more like it"
            return .ill("prices", .warning, first.message + more, fix: first.hint ?? "")
        }
        return loaded.policy?.oldestPrice(at: now).map { .well("prices", "the oldest were read on \($0)") }
    }

    private func serverFinding(_ policy: PolicySet?) -> Checkup.Finding {
        let folder = self.data.folder(policy)
        guard let client = AdminClient(folder) else { return .well("server", "none runs on \(folder.path)") }
        do {
            _ = try client.send("GET", "/readyz")
            return .well("server", "runs on \(folder.path) and takes traffic")
        } catch {
            return .ill("server", .error, "does not take traffic: \(error.message)", fix: "its log says why")
        }
    }
}
