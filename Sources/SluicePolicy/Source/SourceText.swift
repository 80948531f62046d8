/// The text of one policy file by lines, as YAML breaks them.
package struct SourceText: Hashable, Sendable {
    package let path: String
    let text: String
    private let lines: [Substring.UnicodeScalarView]

    init(path: String, text: String) {
        self.path = path
        self.text = text
        var lines: [Substring.UnicodeScalarView] = []
        var rest = text.unicodeScalars[...]
        while let end = rest.firstIndex(where: SourceText.isBreak) {
            lines.append(rest[..<end])
            let isPair = rest[end] == "\r" && rest[rest.index(after: end)...].first == "\n"
            rest = rest[rest.index(end, offsetBy: isPair ? 2 : 1)...]
        }
        lines.append(rest)
        self.lines = lines
    }

    /// Lines count from 1.
    func line(_ number: Int) -> String? {
        guard self.lines.indices.contains(number - 1) else { return nil }
        return String(self.lines[number - 1])
    }

    private static func isBreak(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": true
        default: false
        }
    }

    package static func == (a: SourceText, b: SourceText) -> Bool { a.path == b.path && a.text == b.text }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.path)
        hasher.combine(self.text)
    }
}
