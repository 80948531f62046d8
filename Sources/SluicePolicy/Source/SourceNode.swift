import SluiceCore

/// What stands in a policy file, as text with places: aliases expanded, merge keys flattened, nothing guessed about types.
struct SourceNode: Hashable, Sendable {
    struct Entry: Hashable, Sendable {
        var key: Name
        var value: SourceNode
    }

    enum Content: Hashable, Sendable {
        /// `isPlain`: written without quotes.
        case scalar(String, isPlain: Bool)
        case mapping([Entry])
        case sequence([SourceNode])
    }

    var content: Content
    var span: SourceSpan

    /// Nothing at all was written: `key:`.
    var isEmpty: Bool { self.content == .scalar("", isPlain: true) }

    /// What it is, for messages.
    var kind: String {
        switch self.content {
        case .scalar: self.isEmpty ? "nothing" : "a single value"
        case .mapping: "a mapping"
        case .sequence: "a list"
        }
    }
}
