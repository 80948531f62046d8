package import SluiceCore
import Synchronization

/// The policy in force, and the way to a new one: whole or not at all.
///
/// A file that does not load, a test that fails or a part that is not acted on keeps the old policy. Requests keep the one
/// they started with.
package final class PolicySource: Sendable {
    /// How a reload ended.
    package enum Outcome: Sendable {
        /// The files say what is in force already.
        case unchanged
        case replaced(PolicySet, needsRestart: [String])
        case refused(Refusal)
    }

    /// Why the old policy stays.
    package struct Refusal: Error, Sendable {
        package enum Reason: Sendable {
            /// There are no files, or no longer.
            case missing(String)
            case errors(LoadedPolicy)
            case failedTests([PolicyTestOutcome])
            case notYet([NotYet])
        }

        package var reason: Reason
    }

    /// What is let through.
    package struct Leniency: OptionSet, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }

        /// Parts that are read but not yet acted on (`--preview`).
        package static let preview = Leniency(rawValue: 1)
        /// Failing tests (`--no-tests`).
        package static let failingTests = Leniency(rawValue: 2)
    }

    private struct State {
        var current: PolicySet
        var lastReload: Outcome
        var followers: [Int: AsyncStream<PolicySet>.Continuation] = [:]
        var nextFollower = 0
    }

    private let reader: PolicyReader
    private let leniency: Leniency
    private let state: Mutex<State>
    /// Held from reading to adopting, so that a slow reload never undoes a later one.
    private let reloading = Mutex(())

    /// Reads the policy for the first time.
    ///
    /// - Throws: Why there is none to start with.
    package init(_ reader: PolicyReader, leniency: Leniency = [], at now: Timestamp) throws(Refusal) {
        let policy = try PolicySource.acceptable(reader, leniency, at: now)
        self.reader = reader
        self.leniency = leniency
        self.state = Mutex(State(current: policy, lastReload: .replaced(policy, needsRestart: [])))
    }

    /// The policy in force.
    package var policy: PolicySet { self.state.withLock { $0.current } }

    /// How the last reload ended; the first read counts as one that went well.
    package var lastReload: Outcome { self.state.withLock { $0.lastReload } }

    package var folder: PolicyFolder { self.reader.folder }

    /// Every new policy from now on; the newest only, for a reader that is slow.
    package func newPolicies() -> AsyncStream<PolicySet> {
        let (stream, continuation) = AsyncStream.makeStream(of: PolicySet.self, bufferingPolicy: .bufferingNewest(1))
        let key = self.state.withLock { state in
            state.nextFollower += 1
            state.followers[state.nextFollower] = continuation
            return state.nextFollower
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.followers.removeValue(forKey: key) }
        }
        return stream
    }

    /// Reads the files again.
    @discardableResult
    package func reload(at now: Timestamp) -> Outcome {
        self.reloading.withLock { _ in self.reloadAlone(at: now) }
    }

    private func reloadAlone(at now: Timestamp) -> Outcome {
        let outcome: Outcome
        do {
            let policy = try PolicySource.acceptable(self.reader, self.leniency, at: now)
            let current = self.policy
            outcome =
                policy.revision == current.revision
                ? .unchanged : .replaced(policy, needsRestart: policy.server.restartKeys(since: current.server))
        } catch {
            outcome = .refused(error)
        }
        self.adopt(outcome)
        return outcome
    }

    private func adopt(_ outcome: Outcome) {
        let followers = self.state.withLock { state -> [AsyncStream<PolicySet>.Continuation] in
            state.lastReload = outcome
            guard case .replaced(let policy, _) = outcome else { return [] }
            state.current = policy
            return Array(state.followers.values)
        }
        // Outside the lock: a follower may ask back at once.
        if case .replaced(let policy, _) = outcome { for follower in followers { follower.yield(policy) } }
    }

    private static func acceptable(_ reader: PolicyReader, _ leniency: Leniency, at now: Timestamp) throws(Refusal) -> PolicySet {
        let loaded: LoadedPolicy
        do {
            loaded = try reader.read(at: now)
        } catch {
            throw Refusal(reason: .missing(error.message))
        }
        guard let policy = loaded.policy else { throw Refusal(reason: .errors(loaded)) }
        if !leniency.contains(.preview), !loaded.notYet.isEmpty { throw Refusal(reason: .notYet(loaded.notYet)) }
        let failed = leniency.contains(.failingTests) ? [] : policy.runTests(at: now).filter { !$0.isPassed }
        guard failed.isEmpty else { throw Refusal(reason: .failedTests(failed)) }
        return policy
    }
}

extension PolicySource.Refusal: CustomStringConvertible {
    /// What is wrong and where, in one line.
    package var description: String {
        switch self.reason {
        case .missing(let message):
            return message
        case .errors(let loaded):
            let errors = loaded.diagnostics.filter { $0.severity == .error }
            let more = errors.count > 1 ? ", and \(errors.count - 1) more" : ""
            return errors.first.map { "\($0.span.place.text): \($0.message)\(more)" } ?? "the policy does not load"
        case .failedTests(let tests):
            let more = tests.count > 1 ? ", and \(tests.count - 1) more" : ""
            return tests.first.map { "\($0.place.text): test «\($0.name)» fails: \($0.why ?? "")\(more)" } ?? "a test fails"
        case .notYet(let parts):
            let more = parts.count > 1 ? ", and \(parts.count - 1) more" : ""
            return parts.first.map { "\($0.span.place.text): `\($0.path)` is read but not yet acted on\(more); `--preview` accepts it" }
                ?? ""
        }
    }
}

extension ServerSettings {
    /// What differs from `old` and counts only at the next start.
    fileprivate func restartKeys(since old: ServerSettings) -> [String] {
        var keys: [String] = []
        if self.listen != old.listen { keys.append("listen") }
        if self.admin != old.admin { keys.append("admin") }
        if self.tls != old.tls { keys.append("tls") }
        if self.adminTLS != old.adminTLS { keys.append("admin_tls") }
        if self.database != old.database { keys.append("database") }
        return keys
    }
}
