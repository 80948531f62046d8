import SluiceCore

/// A header's value with its parameters: `form-data; name="file"; filename="in.jsonl"`.
struct HeaderParameters {
    let value: String
    private var parameters: [String: String] = [:]

    init(_ text: String) {
        var rest = Substring(text)
        self.value = HeaderParameters.upToSemicolon(&rest)
        while let equals = rest.firstIndex(of: "=") {
            let name = rest[..<equals].trimmed.lowercased()
            rest = rest[rest.index(after: equals)...].drop { $0 == " " || $0 == "\t" }
            let value = rest.first == "\"" ? HeaderParameters.quoted(&rest) : HeaderParameters.upToSemicolon(&rest)
            // The first one counts: a second one is no way to smuggle another in.
            if self.parameters[name] == nil { self.parameters[name] = value }
        }
    }

    mutating func take(_ name: String) -> String? { self.parameters.removeValue(forKey: name) }

    private static func upToSemicolon(_ rest: inout Substring) -> String {
        let end = rest.firstIndex(of: ";") ?? rest.endIndex
        defer { rest = rest[end...].dropFirst() }
        return rest[..<end].trimmed
    }

    private static func quoted(_ rest: inout Substring) -> String {
        rest = rest.dropFirst()
        var text = ""
        while let character = rest.popFirst(), character != "\"" {
            // Browsers and httpx write `%22` for a quote; a backslash escapes a quote or itself, and is a letter like others elsewhere.
            if character == "\\", let next = rest.first, next == "\"" || next == "\\" {
                text.append(next)
                rest = rest.dropFirst()
            } else {
                text.append(character)
            }
        }
        _ = self.upToSemicolon(&rest)
        return text
    }
}
