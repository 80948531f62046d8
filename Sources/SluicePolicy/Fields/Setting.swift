/// The value of a field: given in a file, or the default.
struct Setting<Value: Sendable>: Sendable {
    var value: Value
    /// Where it is given; nil for a default.
    var span: SourceSpan?

    init(_ value: Value, at span: SourceSpan? = nil) {
        self.value = value
        self.span = span
    }

    var isGiven: Bool { self.span != nil }
}

/// A value with its place, where a list holds many.
struct Located<Value: Sendable>: Sendable {
    var value: Value
    var span: SourceSpan
}

/// An entry of a mapping whose keys are names of the user's.
struct Named<Value: Sendable>: Sendable {
    var name: Name
    var value: Value
}
