import SluiceCore

/// The names of one kind of thing that a policy defines, by the index that each has there.
struct NameTable: Sendable {
    let noun: String
    /// The section is there and nothing of it could be read.
    let isUnread: Bool
    private var entries: [String: (index: Int, span: SourceSpan)] = [:]

    init<Value>(_ noun: String, _ section: Setting<[Named<Value>]>) {
        self.noun = noun
        self.isUnread = section.isGiven && section.value.isEmpty
        for (index, entry) in section.value.enumerated() { self.entries[entry.name.text] = (index, entry.name.span) }
    }

    var names: [String] { self.entries.keys.sorted() }

    func index(of name: String) -> Int? { self.entries[name]?.index }

    func span(of name: String) -> SourceSpan? { self.entries[name]?.span }

    /// What to say of a name that is none of these.
    func unknown(_ name: Name, other tables: [NameTable] = []) -> Diagnostic {
        var hint: String?
        if let near = NearName.best(for: name.text, among: self.entries.keys) {
            hint = "did you mean `\(near)`?" + (self.span(of: near).map { " (defined in \($0.place.text))" } ?? "")
        } else if let other = tables.first(where: { $0.index(of: name.text) != nil }) {
            hint = "`\(name.text)` is \(other.noun.withArticle)"
        } else if self.entries.isEmpty {
            hint = "the policy defines no \(self.noun.plural)"
        } else {
            hint = "defined: \(self.names.prefix(8).joined(separator: ", "))\(self.names.count > 8 ? ", …" : "")"
        }
        return Diagnostic(.error, .unknownName, "\(self.noun) `\(name.text.cutForMessage)` is not defined", at: name.span, hint: hint)
    }
}
