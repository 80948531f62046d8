import ArgumentParser
import FoundationEssentials
import SluiceCore
import SluicePolicy

/// Which policy a command is about.
struct PolicyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("A policy file or folder; else SLUICE_CONFIG, ./policies or /etc/sluice.", valueName: "path"),
        completion: .file())
    var config: String?

    /// The policy as it stands on disk.
    ///
    /// - Parameter paths: Files and folders given besides `--config`.
    func read(_ paths: [String] = [], at now: Timestamp, for purpose: PolicyEnvironment.Purpose = .check) throws(PolicyFolder.Missing)
        -> LoadedPolicy
    {
        try self.reader(paths, for: purpose).read(at: now)
    }

    /// What reads the policy, now and at every reload.
    func reader(_ paths: [String] = [], for purpose: PolicyEnvironment.Purpose) throws(PolicyFolder.Missing) -> PolicyReader {
        let environment = ProcessInfo.processInfo.environment
        return PolicyReader(
            PolicyFolder(paths.isEmpty ? [try self.location(environment)] : paths),
            environment: PolicyEnvironment(variables: environment, purpose: purpose) { FileManager.default.isReadableFile(atPath: $0) },
            prices: PriceBookFolder.find(environment: environment, executable: PriceBookFolder.executable))
    }

    /// The same policy with another price book.
    func read(book: PriceBook, at now: Timestamp) throws(PolicyFolder.Missing) -> LoadedPolicy {
        let environment = ProcessInfo.processInfo.environment
        return try PolicyReader(PolicyFolder([try self.location(environment)]), environment: PolicyEnvironment(variables: environment)) { _ in book }
            .read(at: now)
    }

    private func location(_ environment: [String: String]) throws(PolicyFolder.Missing) -> String {
        if let config { return config }
        if let named = environment["SLUICE_CONFIG"], !named.isEmpty { return named }
        for folder in ["policies", "/etc/sluice"] where FileManager.default.fileExists(atPath: folder) { return folder }
        throw PolicyFolder.Missing(
            message: "there is no policy: neither --config nor SLUICE_CONFIG is given, and there is no ./policies and no /etc/sluice")
    }
}

extension Timestamp {
    /// What the wall clock shows; only commands and services ask.
    static var now: Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
}
