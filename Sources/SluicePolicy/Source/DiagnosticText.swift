import SluiceCore

/// Diagnostics as people read them: the place, what is wrong, the line with a caret, and what to do.
package struct DiagnosticText {
    private let sources: [String: SourceText]
    private let secretLines: Set<SourcePlace>
    /// Files that got no further than YAML.
    private let unread: Set<String>
    private let isColoured: Bool

    package init(_ loaded: LoadedPolicy, isColoured: Bool = false) {
        self.sources = Dictionary(loaded.sources.map { ($0.path, $0) }) { first, _ in first }
        self.secretLines = loaded.secretLines
        self.unread = loaded.effective == nil ? Set(loaded.files) : []
        self.isColoured = isColoured
    }

    package func text(_ diagnostic: Diagnostic) -> String {
        let place = diagnostic.span.place
        let head =
            self.paint("\(place.text):", .bold) + " " + self.paint("\(diagnostic.severity.rawValue):", Colour(diagnostic.severity))
            + " \(diagnostic.message)"
        if diagnostic.code.showsSource, let line = self.line(of: diagnostic.span) {
            return head + "\n" + self.excerpt(line, diagnostic)
        }
        guard let hint = diagnostic.hint else { return head + "\n" }
        return diagnostic.code.isShort ? "\(head); \(hint)\n" : "\(head);\n      \(hint)\n"
    }

    /// `1 warning, 4 errors in 3 files.  Nothing was loaded.`
    package static func summary(of loaded: LoadedPolicy) -> String {
        let counts = [Diagnostic.Severity.note, .warning, .error].compactMap { severity -> String? in
            let count = loaded.diagnostics.count { $0.severity == severity }
            return count == 0 ? nil : "\(count) \(severity.rawValue)\(count == 1 ? "" : "s")"
        }
        let files = "\(loaded.files.count) file\(loaded.files.count == 1 ? "" : "s")"
        return "\(counts.joined(separator: ", ")) in \(files)." + (loaded.hasErrors ? "  Nothing was loaded." : "")
    }

    private func line(of span: SourceSpan) -> String? {
        guard !self.secretLines.contains(span.place.startOfLine), let line = self.sources[span.place.file]?.line(span.place.line) else {
            return nil
        }
        // In a file that is no YAML no field has claimed its secrets.
        if self.unread.contains(span.place.file), SecretShape.mayHoldSecret(line) { return nil }
        return SecretShape.mask(line)
    }

    private func excerpt(_ line: String, _ diagnostic: Diagnostic) -> String {
        let scalars = Array(line.unicodeScalars)
        let start = min(diagnostic.span.place.column - 1, scalars.count)
        let length = max(1, min(diagnostic.span.length, scalars.count - start))
        let number = String(diagnostic.span.place.line)
        let gutter = String(repeating: " ", count: max(0, 5 - number.count)) + number
        let pad = String(
            String.UnicodeScalarView(scalars[..<start].filter { !$0.properties.isGraphemeExtend }.map { $0 == "\t" ? "\t" : " " }))
        let carets = self.paint(String(repeating: "^", count: length), Colour(diagnostic.severity))
        let hint = diagnostic.hint.map { " \($0)" } ?? ""
        return "\(gutter) | \(line)\n\(String(repeating: " ", count: gutter.count)) | \(pad)\(carets)\(hint)\n"
    }

    private enum Colour: String {
        case red = "31"
        case yellow = "33"
        case cyan = "36"
        case bold = "1"

        init(_ severity: Diagnostic.Severity) {
            switch severity {
            case .error: self = .red
            case .warning: self = .yellow
            case .note: self = .cyan
            }
        }
    }

    private func paint(_ text: String, _ colour: Colour) -> String {
        self.isColoured ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }
}

extension Diagnostic.Code {
    /// Whether the line is worth showing: a word in it is wrong. What concerns a whole route or price, and secrets, show none.
    fileprivate var showsSource: Bool {
        switch self {
        case .unreachableRoute, .noFinalRoute, .mayQueueLive, .secretLiteral, .cachedAsInput, .noBaseline, .notYet, .fileTooLarge,
            .fileUnreadable, .outsideFolder,
            .notUTF8, .unsetVariable:
            false
        default:
            true
        }
    }

    /// Whether the hint goes on the same line where no source is shown.
    fileprivate var isShort: Bool {
        switch self {
        case .secretLiteral, .notUTF8, .outsideFolder, .notYet: true
        default: false
        }
    }
}
