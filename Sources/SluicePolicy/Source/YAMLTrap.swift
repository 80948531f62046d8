/// The traps of YAML that people fall into, with the way out.
struct YAMLTrap {
    var message: String?
    var hint: String?

    /// - Parameter lines: The lines that the parser complained about.
    init(problem: String, lines: [String]) {
        if problem.contains("found another document") {
            self.message = "a policy file holds one document; here a second one begins"
            self.hint = "put it into a file of its own"
        } else if problem.contains("undefined alias") || problem.contains("did not find expected alphabetic") {
            self.message = "`*` begins an alias, and no anchor has this name"
            self.hint = "quote a pattern: \"*-mini\""
        } else if lines.contains(where: { $0.prefix { $0 == " " || $0 == "\t" }.contains("\t") }) {
            self.message = "a tab stands in the indentation"
            self.hint = "indent with spaces"
        } else if lines.contains(where: YAMLTrap.hasBareReferenceInFlow) {
            self.hint = "inside { } quote it: { key: \"${NAME}\" }"
        } else if lines.contains(where: YAMLTrap.hasBareBracketInFlow) {
            self.hint = "inside { } quote a value that holds brackets"
        } else if problem.contains("mapping values are not allowed") {
            self.hint = "quote a value that holds `: `"
        } else if lines.contains(where: { $0.contains("%") }), problem.contains("cannot start any token") {
            self.hint = "quote a value that begins with `%`, `@` or a backtick"
        }
    }

    /// `{ route: routes[3] }`
    private static func hasBareBracketInFlow(_ line: String) -> Bool {
        line.contains("{")
            && zip(line, line.dropFirst()).contains { before, bracket in "[{".contains(bracket) && (before.isLetter || before.isNumber) }
    }

    private static func hasBareReferenceInFlow(_ line: String) -> Bool {
        guard let brace = line.firstIndex(of: "{"), let reference = line.range(of: "${")?.lowerBound else { return false }
        let isQuoted = line[..<reference].last == "\"" || line[..<reference].last == "'"
        return brace < reference && !isQuoted
    }
}

extension String {
    fileprivate func range(of text: String) -> Range<String.Index>? {
        var rest = self[...]
        while !rest.isEmpty {
            if rest.hasPrefix(text) { return rest.startIndex..<rest.index(rest.startIndex, offsetBy: text.count) }
            rest = rest.dropFirst()
        }
        return nil
    }
}
