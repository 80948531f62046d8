package import SluiceCore

/// What became of the files of a policy.
package struct LoadedPolicy: Sendable {
    /// nil where anything is wrong.
    package var policy: PolicySet?
    /// Sorted by place.
    package var diagnostics: [Diagnostic]
    package var files: [String]
    /// What is read but not yet acted on.
    package var notYet: [NotYet]
    /// nil where a file could not be read at all.
    package var effective: EffectivePolicy?
    /// In the order of the files.
    package var windowNames: [String] = []
    let sources: [SourceText]
    /// The beginnings of lines that hold a literal secret and are never shown.
    let secretLines: Set<SourcePlace>

    init(diagnostics: [Diagnostic], files: [String], notYet: [NotYet], sources: [SourceText], secretLines: Set<SourcePlace>) {
        self.diagnostics = diagnostics
        self.files = files
        self.notYet = notYet
        self.sources = sources
        self.secretLines = secretLines
    }

    package var hasErrors: Bool { self.diagnostics.contains { $0.severity == .error } }
}
