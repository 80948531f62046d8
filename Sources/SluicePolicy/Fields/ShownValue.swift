/// A value as the effective policy prints it.
indirect enum ShownValue: Hashable, Sendable {
    struct Member: Hashable, Sendable {
        var key: String
        var value: ShownValue
        /// Where it is given; nil for a default.
        var span: SourceSpan?
        /// What a default amounts to: `as input`.
        var note: String?
    }

    case scalar(String)
    case list([ShownValue])
    case mapping([Member])
}
