import SluiceCore

/// A whole policy with every default filled in, as YAML, each value with its origin.
package struct EffectivePolicy: Sendable {
    private struct Line: Sendable {
        var text: String
        var origin: String
        /// A default that is not written: it says what holds, and is no part of the policy.
        var isComment = false
    }

    /// One value that holds, for programs.
    package struct Value: Codable, Hashable, Sendable {
        /// The keys on the way to it; an item of a list by its number from 0.
        package var path: [String]
        package var value: String
        /// `file:line`, or `default`.
        package var origin: String
    }

    private var lines: [Line] = []
    /// In the order of the text.
    package private(set) var values: [Value] = []

    init(_ document: PolicyDocument) {
        guard case .mapping(let members) = PolicyDocument.type.show(document) else { return }
        self.append(members, indent: 0)
        for member in members { self.collect(member.value, at: [member.key], from: member.place) }
    }

    private mutating func collect(_ value: ShownValue, at path: [String], from origin: String) {
        switch value {
        case .scalar(let text): self.values.append(Value(path: path, value: text, origin: origin))
        case .list(let items):
            for (index, item) in items.enumerated() { self.collect(item, at: path + [String(index)], from: origin) }
        case .mapping(let members):
            for member in members { self.collect(member.value, at: path + [member.key], from: member.place) }
        }
    }

    /// What the revision is the hash of: no origins.
    package var text: String { self.lines.filter { !$0.isComment }.map { $0.text + "\n" }.joined() }

    /// With `file:line` or `default` as a comment behind each value.
    package var annotatedText: String {
        let width = min(60, self.lines.map(\.text.count).max() ?? 0)
        return self.lines.map { line in
            guard !line.origin.isEmpty else { return line.text + "\n" }
            return line.text + String(repeating: " ", count: max(0, width - line.text.count)) + "  # \(line.origin)\n"
        }.joined()
    }

    package var revision: String { self.text.fingerprint }

    private mutating func append(_ members: [ShownValue.Member], indent: Int, prefix: String = "") {
        var lead = String(repeating: " ", count: indent) + prefix
        // The dash of a list item stands before its first key, and a comment cannot carry it.
        for member in members.filter({ !$0.isUnwritten }) + members.filter(\.isUnwritten) {
            self.append(member, lead: lead, indent: indent + prefix.count)
            lead = String(repeating: " ", count: indent + prefix.count)
        }
    }

    private mutating func append(_ member: ShownValue.Member, lead: String, indent: Int) {
        let key = lead + YAMLWord.quoted(member.key) + ":"
        // Given by a variable that is not set here.
        if member.value == .absent, member.span != nil {
            self.lines.append(Line(text: "\(lead)# \(member.key): not known here", origin: member.origin, isComment: true))
            return
        }
        guard !member.isUnwritten else {
            if let note = member.note {
                self.lines.append(Line(text: "\(lead)# \(member.key): \(note)", origin: "default", isComment: true))
            }
            return
        }
        switch member.value {
        case .scalar(let text):
            self.lines.append(Line(text: "\(key) \(YAMLWord.quoted(text))", origin: member.origin))
        case .list(let items) where items.allSatisfy(\.isScalar):
            self.lines.append(Line(text: "\(key) [\(items.map(\.flowText).joined(separator: ", "))]", origin: member.origin))
        case .list(let items):
            self.lines.append(Line(text: key, origin: member.origin))
            for item in items { self.append(item, indent: indent + 2) }
        case .mapping(let members):
            self.lines.append(Line(text: key, origin: member.origin))
            self.append(members, indent: indent + 2)
        }
    }

    private mutating func append(_ item: ShownValue, indent: Int) {
        switch item {
        case .scalar, .list: self.lines.append(Line(text: String(repeating: " ", count: indent) + "- " + item.flowText, origin: ""))
        case .mapping(let members): self.append(members, indent: indent, prefix: "- ")
        }
    }
}

extension ShownValue {
    fileprivate var isScalar: Bool { if case .scalar = self { true } else { false } }

    /// Nothing in it is written.
    fileprivate var isUnwritten: Bool {
        switch self {
        case .scalar: false
        case .list(let items): items.isEmpty
        case .mapping(let members): members.allSatisfy(\.isUnwritten)
        }
    }

    fileprivate var flowText: String {
        switch self {
        case .scalar(let text): YAMLWord.quoted(text)
        case .list(let items): "[\(items.map(\.flowText).joined(separator: ", "))]"
        case .mapping(let members): "{ \(members.map { "\(YAMLWord.quoted($0.key)): \($0.value.flowText)" }.joined(separator: ", ")) }"
        }
    }
}

extension ShownValue.Member {
    fileprivate var isUnwritten: Bool { self.value == .absent || (self.span == nil && self.value.isUnwritten) }

    fileprivate var origin: String {
        guard self.span == nil, let note else { return self.place }
        return "default: \(note)"
    }

    /// `file:line`, or `default`.
    fileprivate var place: String {
        guard let span, span != .nowhere else { return "default" }
        return "\(span.place.file):\(span.place.line)"
    }
}

/// A word as YAML wants it.
enum YAMLWord {
    /// Plain where nothing in it means anything to YAML, else in double quotes.
    static func quoted(_ text: String) -> String {
        if self.isPlain(text) { return text }
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029:
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last, first != UInt8(ascii: "-") || text.utf8.count > 1 else {
            return false
        }
        let isWord = { (byte: UInt8) in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "_")
                || byte >= 0xC3
        }
        guard isWord(first) || "./-".utf8.contains(first) || text.hasPrefix("${"), last != UInt8(ascii: ":"), last != 0x20 else {
            return false
        }
        guard !text.hasPrefix("- "), !text.hasPrefix("---"), !text.hasPrefix("...") else { return false }
        // `${…}` is plain only where no flow collection surrounds it; all scalars of ours in flow collections are quoted by the rest.
        if text.hasPrefix("${") {
            return text.hasSuffix("}") && text.utf8.allSatisfy { isWord($0) || "${}:-/.•".utf8.contains($0) } && !text.contains("•")
        }
        return text.utf8.allSatisfy { isWord($0) || "./-+:% @*".utf8.contains($0) || $0 >= 0x80 } && !text.contains(": ")
            && !text.contains(" #")
            && !text.unicodeScalars.contains {
                (0x80...0x9F).contains($0.value) || $0.value == 0x2028 || $0.value == 0x2029 || $0.value == 0xFEFF
            }
    }
}
