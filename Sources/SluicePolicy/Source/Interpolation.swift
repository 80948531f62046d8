/// A scalar with references in it: `${NAME}`, `${NAME:-default}`, `${NAME:?message}`, `${file:/path}`, `${cred:name}`.
///
/// Looked for only inside scalars that are already parsed, so that what a variable holds can never become YAML. `$${` is `${`.
struct Interpolation: Hashable, Sendable {
    enum Part: Hashable, Sendable {
        case literal(String)
        case variable(Variable)
        case file(String)
        case credential(String)
    }

    struct Variable: Hashable, Sendable {
        var name: String
        /// What counts where the variable is not set or empty.
        var fallback: String?
        /// What to say where it is not set.
        var message: String?
    }

    struct Malformed: Error {
        var message: String
    }

    private(set) var parts: [Part] = []

    init(_ text: String) throws(Malformed) {
        guard text.utf8.contains(UInt8(ascii: "$")) else {
            self.parts = [.literal(text)]
            return
        }
        var literal = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            literal += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                literal += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                guard let end = rest.firstIndex(of: "}") else { throw Malformed(message: "`${` is not closed by `}`") }
                if !literal.isEmpty { self.parts.append(.literal(literal)) }
                literal = ""
                self.parts.append(try Interpolation.reference(rest[..<end].dropFirst(2)))
                rest = rest[end...].dropFirst()
            } else {
                literal += "$"
                rest = rest.dropFirst()
            }
        }
        literal += rest
        if !literal.isEmpty || self.parts.isEmpty { self.parts.append(.literal(literal)) }
    }

    /// The text itself, where there is no reference in it.
    var plainText: String? {
        guard self.parts.count == 1, case .literal(let text) = self.parts[0] else { return nil }
        return text
    }

    private static func reference(_ body: Substring) throws(Malformed) -> Part {
        if body.hasPrefix("file:") { return .file(try self.path(body.dropFirst(5))) }
        if body.hasPrefix("cred:") {
            let name = try self.path(body.dropFirst(5))
            guard !name.contains("/"), !name.hasPrefix(".") else { throw Malformed(message: "`${cred:…}` wants a name without a slash") }
            return .credential(name)
        }
        let name = body.prefix { $0 == "_" || ($0.isASCII && ($0.isLetter || $0.isNumber)) }
        guard let first = name.first, !first.isNumber else {
            throw Malformed(message: "`${…}` wants the name of a variable, `file:/path` or `cred:name`")
        }
        let rest = body.dropFirst(name.count)
        if rest.isEmpty { return .variable(Variable(name: String(name))) }
        if rest.contains("$") { throw Malformed(message: "a default cannot hold another reference") }
        if rest.hasPrefix(":-") { return .variable(Variable(name: String(name), fallback: String(rest.dropFirst(2)))) }
        if rest.hasPrefix(":?") { return .variable(Variable(name: String(name), message: String(rest.dropFirst(2)))) }
        throw Malformed(message: "`${\(name)…}` is written ${\(name)}, ${\(name):-default} or ${\(name):?message}")
    }

    private static func path(_ text: Substring) throws(Malformed) -> String {
        guard !text.isEmpty, !text.contains("$") else { throw Malformed(message: "`${file:…}` and `${cred:…}` want a name") }
        return String(text)
    }
}
