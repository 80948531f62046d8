import SluiceCore
import Yams

/// Reads one file as YAML 1.2 in the core sense: every scalar stays the text that was written.
struct YAMLReader {
    let source: SourceText
    private(set) var diagnostics: [Diagnostic] = []

    init(_ source: SourceText) {
        self.source = source
    }

    /// - Returns: nil where the file is no YAML or breaks a bound; ``diagnostics`` say why.
    mutating func read() -> SourceNode? {
        if let place = AliasKeys.first(in: self.source) {
            self.report(.aliasBudget, "an alias or a collection stands as a key", at: place, hint: "write keys as plain words")
            return nil
        }
        guard let (parser, root, renamed) = self.compose() else { return nil }
        // Yams holds anchors weakly: without its parser a node has forgotten its anchor's name.
        return withExtendedLifetime(parser) {
            guard let root else { return SourceNode(content: .mapping([]), span: self.span(1, 1)) }
            var expansion = YAMLExpansion(path: self.source.path, renamed: renamed)
            let node = expansion.expand(root)
            self.diagnostics += expansion.diagnostics
            return node
        }
    }

    /// Yams refuses a mapping with a duplicate key as a whole. So the first of the two gets another first letter, which moves
    /// no place, and the file is read again: everything else in it can be checked too, and both places are known.
    private mutating func compose() -> (Parser, Node?, [SourcePlace: Unicode.Scalar])? {
        var text = self.source.text
        var renamed: [SourcePlace: Unicode.Scalar] = [:]
        while true {
            do {
                let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
                return (parser, try parser.singleRoot(), renamed)
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                let place = SourcePlace(file: self.source.path, line: context.mark.line, column: context.mark.column)
                guard renamed.count < 20, renamed[place] == nil, let stand = Unicode.Scalar(0xE000 + renamed.count),
                    let letter = text.replaceFirstLetter(ofKeyAt: context.mark, with: stand)
                else {
                    let name = keys.first ?? ""
                    self.report(
                        .duplicateKey, "`\(name)` is given twice", at: self.span(place.line, place.column, name.unicodeScalars.count))
                    return nil
                }
                renamed[place] = letter
            } catch {
                self.report(error)
                return nil
            }
        }
    }

    private mutating func report(_ error: any Error) {
        switch error {
        case YamlError.reader(let problem, let offset, _, let yaml):
            let before = yaml.prefix(offset ?? 0).unicodeScalars
            let line = before.count { $0 == "\n" } + 1
            let column = before.reversed().prefix { $0 != "\n" }.count + 1
            self.report(.yamlSyntax, "this is no text that YAML allows: \(problem)", at: self.span(line, column))
        case YamlError.scanner(let context, let problem, let mark, _), YamlError.parser(let context, let problem, let mark, _),
            YamlError.composer(let context, let problem, let mark, _):
            let trap = YAMLTrap(problem: problem, lines: [mark.line, context?.mark.line ?? mark.line].compactMap(self.source.line))
            self.report(.yamlSyntax, trap.message ?? "this is no YAML: \(problem)", at: self.span(mark.line, mark.column), hint: trap.hint)
        default:
            self.report(.yamlSyntax, "this is no YAML", at: self.span(1, 1))
        }
    }

    private mutating func report(_ code: Diagnostic.Code, _ message: String, at span: SourceSpan, hint: String? = nil) {
        self.diagnostics.append(Diagnostic(.error, code, message, at: span, hint: hint))
    }

    private func span(_ line: Int, _ column: Int, _ length: Int = 1) -> SourceSpan {
        SourceSpan(place: SourcePlace(file: self.source.path, line: line, column: column), length: length)
    }
}

extension String {
    /// Puts `stand` in the place of the first letter of the key at `mark`.
    ///
    /// - Returns: The letter that stood there; nil where the place holds no key that can be told from here.
    fileprivate mutating func replaceFirstLetter(ofKeyAt mark: Mark, with stand: Unicode.Scalar) -> Unicode.Scalar? {
        let scalars = self.unicodeScalars
        var index = scalars.startIndex
        for _ in 1..<max(1, mark.line) {
            guard let end = scalars[index...].firstIndex(of: "\n") else { return nil }
            index = scalars.index(after: end)
        }
        guard let start = scalars.index(index, offsetBy: mark.column - 1, limitedBy: scalars.endIndex), start < scalars.endIndex else {
            return nil
        }
        let isQuoted = scalars[start] == "\"" || scalars[start] == "'"
        let letterIndex = isQuoted ? scalars.index(after: start) : start
        guard letterIndex < scalars.endIndex else { return nil }
        let letter = scalars[letterIndex]
        guard !"\\\"'&!*?[{:\n".unicodeScalars.contains(letter) else { return nil }
        self.unicodeScalars.replaceSubrange(letterIndex...letterIndex, with: CollectionOfOne(stand))
        return letter
    }
}
