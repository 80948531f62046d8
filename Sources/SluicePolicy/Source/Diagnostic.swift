import SluiceCore

/// One thing that a policy says wrong, or that its author should know.
package struct Diagnostic: Error, Hashable, Sendable {
    package enum Severity: String, Sendable, CaseIterable {
        case error, warning, note
    }

    package var severity: Severity
    package var code: Code
    package var message: String
    package var span: SourceSpan
    /// What to do about it.
    package var hint: String?

    package init(_ severity: Severity, _ code: Code, _ message: String, at span: SourceSpan, hint: String? = nil) {
        self.severity = severity
        self.code = code
        self.message = message
        self.span = span
        self.hint = hint
    }

    /// The stable slug of a kind of diagnostic; `docs/diagnostics.md` has an example of each.
    package enum Code: String, Sendable, CaseIterable {
        case yamlSyntax = "yaml_syntax"
        case notUTF8 = "not_utf8"
        case fileTooLarge = "file_too_large"
        case fileUnreadable = "file_unreadable"
        case outsideFolder = "outside_folder"
        case aliasBudget = "alias_budget"
        case unknownTag = "unknown_tag"
        case version
        case unknownKey = "unknown_key"
        case missingKey = "missing_key"
        case duplicateKey = "duplicate_key"
        case duplicateName = "duplicate_name"
        case emptySection = "empty_section"
        case wrongType = "wrong_type"
        case badValue = "bad_value"
        case notApplicable = "not_applicable"
        case unsetVariable = "unset_variable"
        case secretLiteral = "secret_literal"
        case unknownName = "unknown_name"
        case unknownZone = "unknown_zone"
        case windowCircle = "window_circle"
        case insecureURL = "insecure_url"
        case insecureListener = "insecure_listener"
        case promotionTooEarly = "promotion_too_early"
        case unreachableRoute = "unreachable_route"
        case noFinalRoute = "no_final_route"
        case mayQueueLive = "may_queue_live"
        case unpriced
        case stalePrice = "stale_price"
        case priceDates = "price_dates"
        case cachedAsInput = "cached_as_input"
        case noBaseline = "no_baseline"
        case notYet = "not_yet"
    }
}

extension Diagnostic: Comparable {
    /// By place, then the graver one, then the text, so that output never depends on the order of the checks.
    package static func < (a: Diagnostic, b: Diagnostic) -> Bool {
        let places = (a.span.place, b.span.place)
        if places.0.file != places.1.file { return Array(places.0.file.utf8).lexicographicallyPrecedes(places.1.file.utf8) }
        if places.0.line != places.1.line { return places.0.line < places.1.line }
        if places.0.column != places.1.column { return places.0.column < places.1.column }
        if a.severity != b.severity { return a.severity.rank < b.severity.rank }
        return (a.code.rawValue, a.message) < (b.code.rawValue, b.message)
    }
}

extension Diagnostic.Severity {
    fileprivate var rank: Int {
        switch self {
        case .error: 0
        case .warning: 1
        case .note: 2
        }
    }
}
