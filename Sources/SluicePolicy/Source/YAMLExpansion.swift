import SluiceCore
import Yams

/// One bounded walk over what Yams composed, that turns it into a ``SourceNode``.
///
/// A file of 400 bytes can stand for more nodes than fit into any memory (each alias doubles), so nothing else ever walks
/// the composed nodes.
struct YAMLExpansion {
    static let nodeLimit = 50_000
    static let depthLimit = 64

    private let path: String
    /// Keys that the reader gave another first letter, see ``YAMLReader``.
    private let renamed: [SourcePlace: Unicode.Scalar]
    private var left = YAMLExpansion.nodeLimit
    private var anchors: [(name: String, span: SourceSpan)] = []
    private(set) var diagnostics: [Diagnostic] = []

    init(path: String, renamed: [SourcePlace: Unicode.Scalar]) {
        self.path = path
        self.renamed = renamed
    }

    /// - Returns: nil where a bound is broken.
    mutating func expand(_ root: Node) -> SourceNode? {
        do {
            return try self.node(root, depth: 1)
        } catch {
            self.diagnostics.append(error)
            return nil
        }
    }

    private mutating func node(_ node: Node, depth: Int) throws(Diagnostic) -> SourceNode {
        let anchor = node.anchor?.rawValue
        if let anchor { self.anchors.append((anchor, self.span(node.mark))) }
        defer { if anchor != nil { self.anchors.removeLast() } }
        self.left -= 1
        guard self.left >= 0 else { throw self.broken(node, "more than 50,000 values") }
        guard depth <= YAMLExpansion.depthLimit else { throw self.broken(node, "more than 64 levels") }
        switch node {
        case .scalar(let scalar):
            return self.scalar(scalar)
        case .sequence(let sequence):
            self.checkTag(sequence.tag, at: node.mark)
            var items: [SourceNode] = []
            for item in sequence { items.append(try self.node(item, depth: depth + 1)) }
            return SourceNode(content: .sequence(items), span: self.span(node.mark))
        case .mapping(let mapping):
            self.checkTag(mapping.tag, at: node.mark)
            return SourceNode(content: .mapping(try self.entries(of: mapping, depth: depth)), span: self.span(node.mark))
        case .alias:
            throw Diagnostic(.error, .yamlSyntax, "an alias could not be resolved", at: self.span(node.mark))
        }
    }

    private mutating func scalar(_ scalar: Node.Scalar) -> SourceNode {
        self.checkTag(scalar.tag, at: scalar.mark)
        let isPlain = scalar.style == .plain
        let length = scalar.string.unicodeScalars.count + (isPlain ? 0 : 2)
        return SourceNode(content: .scalar(scalar.string, isPlain: isPlain), span: self.span(scalar.mark, length: length))
    }

    /// The mapping's own entries, and before them what its `<<` brings in and it does not say itself.
    private mutating func entries(of mapping: Node.Mapping, depth: Int) throws(Diagnostic) -> [SourceNode.Entry] {
        var own: [SourceNode.Entry] = []
        var merged: [SourceNode.Entry] = []
        for (key, value) in mapping {
            let value = try self.node(value, depth: depth + 1)
            guard case .scalar(let scalar) = key else {
                self.diagnostics.append(Diagnostic(.error, .wrongType, "a key must be a single value", at: self.span(key.mark)))
                continue
            }
            let name = self.name(scalar)
            if name.text == "<<", scalar.style == .plain {
                self.merge(value, into: &merged)
            } else if let first = own.first(where: { $0.key.text == name.text }) {
                self.diagnostics.append(.duplicateKey(name, first: first.key))
            } else {
                own.append(SourceNode.Entry(key: name, value: value))
            }
        }
        let ownNames = Set(own.map(\.key.text))
        return merged.filter { !ownNames.contains($0.key.text) } + own
    }

    private mutating func merge(_ value: SourceNode, into merged: inout [SourceNode.Entry]) {
        switch value.content {
        case .mapping(let entries):
            let known = Set(merged.map(\.key.text))
            merged += entries.filter { !known.contains($0.key.text) }
        case .sequence(let items):
            for item in items { self.merge(item, into: &merged) }
        case .scalar:
            self.diagnostics.append(
                Diagnostic(
                    .error, .wrongType, "`<<` wants a mapping, found \(value.kind)", at: value.span, hint: "name an anchor: <<: *name"))
        }
    }

    private func name(_ scalar: Node.Scalar) -> Name {
        var text = scalar.string
        let span = self.span(scalar.mark, length: text.unicodeScalars.count + (scalar.style == .plain ? 0 : 2))
        if let letter = self.renamed[span.place] { text = String(letter) + String(text.unicodeScalars.dropFirst()) }
        return Name(text: text, span: span)
    }

    private mutating func checkTag(_ tag: Tag, at mark: Mark?) {
        switch tag.rawValue {
        case "", "!", Tag.Name.str.rawValue, Tag.Name.seq.rawValue, Tag.Name.map.rawValue: return
        default:
            self.diagnostics.append(
                Diagnostic(
                    .error, .unknownTag, "a policy has no tags; found one here", at: self.span(mark),
                    hint: "remove the word that begins with `!`"))
        }
    }

    private func broken(_ node: Node, _ bound: String) -> Diagnostic {
        guard let anchor = self.anchors.first else {
            return Diagnostic(.error, .aliasBudget, "the file holds \(bound)", at: self.span(node.mark))
        }
        return Diagnostic(.error, .aliasBudget, "the anchor `&\(anchor.name)` expands to \(bound)", at: anchor.span)
    }

    private func span(_ mark: Mark?, length: Int = 1) -> SourceSpan {
        SourceSpan(place: SourcePlace(file: self.path, line: mark?.line ?? 1, column: mark?.column ?? 1), length: length)
    }
}

extension Diagnostic {
    static func duplicateKey(_ key: Name, first: Name) -> Diagnostic {
        let place = first.span.place
        return Diagnostic(
            .error, .duplicateKey, "`\(key.text)` is given twice", at: key.span,
            hint: "the first one stands in \(place.file):\(place.line):\(place.column)")
    }
}
