/// A part of the language that this release reads and checks but does not act on.
package enum Feature: String, Hashable, Sendable, CaseIterable {
    case postgres = "PostgreSQL"

    /// What is acted on today; whoever builds a feature moves it here.
    package static let actedOn: Set<Feature> = []
}

/// A place in a policy that is read but not yet acted on.
package struct NotYet: Hashable, Sendable {
    /// Such as `classes.desk.spill`.
    package var path: String
    package var feature: Feature
    package var span: SourceSpan
}
