/// How a value is written in a policy: how it is read, how it is shown, and what the schema and the reference say of it.
struct FieldType<Value: Sendable>: Sendable {
    /// Such as «duration» or «list of names».
    let word: String
    let schema: JSONValue
    /// Tables that stand inside a value of this type.
    let records: [any PolicyRecord.Type]
    /// nil where the value could not be read; why is reported.
    let read: @Sendable (SourceNode, inout FieldReader) -> Value?
    let show: @Sendable (Value) -> ShownValue

    init(
        word: String, schema: JSONValue, records: [any PolicyRecord.Type] = [],
        read: @escaping @Sendable (SourceNode, inout FieldReader) -> Value?, show: @escaping @Sendable (Value) -> ShownValue
    ) {
        self.word = word
        self.schema = schema
        self.records = records
        self.read = read
        self.show = show
    }

    /// A type that is written as one word or number.
    ///
    /// - Parameters:
    ///   - example: What to write, for error messages.
    ///   - parse: nil where the text is none of this type.
    static func scalar(
        _ word: String, example: String, schema: JSONValue = .anyScalar, parse: @escaping @Sendable (String) -> Value?,
        show: @escaping @Sendable (Value) -> String, limit: @escaping @Sendable (String) -> String? = { _ in nil }
    ) -> FieldType {
        FieldType(
            word: word, schema: schema,
            read: { node, reader in
                guard let text = reader.text(of: node, wants: word.withArticle) else { return nil }
                if let value = parse(text) { return value }
                reader.report(
                    .error, .badValue, "`\(text.cutForMessage)` is not \(word.withArticle)", at: node.span,
                    hint: limit(text) ?? "write it like `\(example)`")
                return nil
            },
            show: { .scalar(show($0)) })
    }

    /// The same type, or the word `none`.
    func orNone() -> FieldType<Value?> { self.optional(word: "none") }

    /// The same type, or a word that stands for nothing: `none`, `forever`.
    func optional(word none: String) -> FieldType<Value?> {
        FieldType<Value?>(
            word: "\(self.word), or `\(none)`", schema: ["anyOf": [["const": .string(none)], self.schema]], records: self.records,
            read: { node, reader in
                if case .scalar(none, _) = node.content { return .some(nil) }
                return self.read(node, &reader).map { .some($0) }
            },
            show: { $0.map(self.show) ?? .scalar(none) })
    }

    /// The same type where the field may be left out, without a word for that.
    func ifGiven() -> FieldType<Value?> {
        FieldType<Value?>(
            word: self.word, schema: self.schema, records: self.records,
            read: { node, reader in self.read(node, &reader).map { .some($0) } },
            show: { $0.map(self.show) ?? .absent })
    }

    /// A list with something in it; one value alone may stand for a list of one.
    var list: FieldType<[Value]> {
        let type = self.listOrEmpty
        return FieldType<[Value]>(
            word: type.word, schema: type.schema, records: type.records,
            read: { node, reader in
                guard node.content != .sequence([]) else {
                    reader.report(.error, .emptySection, "\(reader.place) is an empty list", at: node.span)
                    return nil
                }
                return type.read(node, &reader)
            },
            show: type.show)
    }

    /// A list that may be empty.
    var listOrEmpty: FieldType<[Value]> {
        FieldType<[Value]>(
            word: "list of \(self.word.plural)", schema: ["anyOf": [self.schema, ["type": "array", "items": self.schema]]],
            records: self.records,
            read: { node, reader in
                guard case .sequence(let items) = node.content else { return self.read(node, &reader).map { [$0] } }
                var values: [Value] = []
                let first = reader.firstIndex
                for (index, item) in items.enumerated() {
                    if let value = reader.within(.index(first + index), { self.read(item, &$0) }) { values.append(value) }
                }
                return values.count == items.count ? values : nil
            },
            show: { .list($0.map(self.show)) })
    }

    /// The same, with the place of the value.
    var located: FieldType<Located<Value>> {
        FieldType<Located<Value>>(
            word: self.word, schema: self.schema, records: self.records,
            read: { node, reader in self.read(node, &reader).map { Located(value: $0, span: node.span) } },
            show: { self.show($0.value) })
    }

    /// A mapping whose keys are names of the user's; those that begin with `x-` are passed over.
    ///
    /// - Parameter keepsExtensions: `x-` begins real names here, as those of HTTP headers.
    func named(_ noun: String, keepsExtensions: Bool = false) -> FieldType<[Named<Value>]> {
        FieldType<[Named<Value>]>(
            word: "mapping of \(noun.plural)\(self.word == noun ? "" : " to \(self.word.plural)")",
            schema: .mapping(of: self.schema, keepsExtensions: keepsExtensions), records: self.records,
            read: { node, reader in
                guard case .mapping(let entries) = node.content else {
                    reader.wrongType(node, wants: "a mapping of \(noun.plural)")
                    return nil
                }
                var values: [Named<Value>] = []
                for entry in entries where keepsExtensions || !entry.key.isExtension {
                    guard !SecretShape.holdsKey(entry.key.text) else {
                        reader.refuseKey(entry.key, noun: noun)
                        continue
                    }
                    let value = reader.within(.entry(noun: noun, name: entry.key)) { reader in
                        guard !entry.value.isEmpty else {
                            reader.report(.error, .emptySection, "\(reader.place) is empty", at: entry.key.span)
                            return Value?.none
                        }
                        return self.read(entry.value, &reader)
                    }
                    if let value { values.append(Named(name: entry.key, value: value)) } else { reader.markBroken(entry.key, noun: noun) }
                }
                return values
            },
            show: { .mapping($0.map { ShownValue.Member(key: $0.name.text, value: self.show($0.value), span: $0.name.span) }) })
    }
}

extension ShownValue {
    /// Nothing is given and there is no word for that: the field is left out.
    static var absent: ShownValue { .mapping([]) }
}

extension JSONValue {
    /// Whatever YAML makes of a word: `no`, `1.10` and `22:00` are text to us.
    static let anyScalar: JSONValue = ["type": ["string", "number", "boolean", "null"]]

    /// One of these words; what YAML reads as a number counts as one too.
    static func words(_ words: [String]) -> JSONValue {
        ["enum": .array(words.map { .string($0) } + words.compactMap { Int($0) }.map { .number($0) })]
    }

    /// A mapping whose keys are names; those that begin with `x-` may hold anything.
    static func mapping(of schema: JSONValue, keepsExtensions: Bool) -> JSONValue {
        var members: [String: JSONValue] = ["type": "object", "additionalProperties": schema]
        if !keepsExtensions { members["patternProperties"] = ["^x-[^/]*$": true] }
        return .object(members)
    }

    /// A number, or text that holds a number or a reference to the environment.
    static func numeric(_ pattern: String) -> JSONValue {
        ["anyOf": [["type": "number"], ["type": "string", "pattern": .string("^(\(pattern)|.*\\$\\{.*)$")]]]
    }

    static func text(matching pattern: String) -> JSONValue { ["type": "string", "pattern": .string("^(\(pattern)|.*\\$\\{.*)$")] }
}

extension String {
    var withArticle: String {
        if self.hasPrefix("list") || self.hasPrefix("mapping") || self.first.map({ "bcdfghjklmnpqrstuvwxyz".contains($0) }) ?? false {
            return "a \(self)"
        }
        return self.first.map { "aeio".contains($0) } ?? false ? "an \(self)" : self
    }

    var plural: String {
        if self.hasSuffix("ss") { return self + "es" }
        if self.hasSuffix("s") || self.contains(" ") || self.contains("`") { return self }
        return self.hasSuffix("y") ? self.dropLast() + "ies" : self + "s"
    }

    /// Short enough and without control characters.
    var cutForMessage: String {
        let shown = self.prefix(60).map { $0.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } ? "?" : String($0) }.joined()
        return self.count > 60 ? shown + "…" : shown
    }
}
