import SluiceCore

/// One line of a table: a key, where its value goes, how it is written and what it means.
struct Field<Record: PolicyRecord>: Sendable {
    let key: String
    let word: String
    let schema: JSONValue
    let records: [any PolicyRecord.Type]
    let sentence: String
    let isRequired: Bool
    /// What the reference says where the default depends on other fields.
    let defaultText: String?
    let notYet: Feature?
    /// Where the field means anything at all.
    let condition: Condition?
    let read: @Sendable (SourceNode.Entry, inout Record, inout FieldReader) -> Void
    let show: @Sendable (Record) -> ShownValue.Member
    /// Counts the field as given although it could not be read: it is not missing.
    let markGiven: @Sendable (inout Record, SourceSpan) -> Void
    /// Takes over what another record gives and this one does not.
    let inherit: @Sendable (inout Record, Record) -> Void

    /// A condition on the record that a field stands in.
    struct Condition: Sendable {
        /// As a policy would say it: `serve: later`.
        let text: String
        let holds: @Sendable (Record) -> Bool

        init(_ text: String, _ holds: @escaping @Sendable (Record) -> Bool) {
            self.text = text
            self.holds = holds
        }
    }

    /// - Parameters:
    ///   - notYet: The feature without which the field is read in vain.
    ///   - notYetFor: The same for some values only.
    ///   - condition: Where the field means anything; elsewhere it must not be given, but as its default.
    init<Value>(
        _ key: String, _ path: any WritableKeyPath<Record, Setting<Value>> & Sendable, _ type: FieldType<Value>, _ sentence: String,
        required isRequired: Bool = false, default defaultText: String? = nil, only condition: Condition? = nil, notYet: Feature? = nil,
        notYetFor: @escaping @Sendable (Value) -> Feature? = { _ in nil }
    ) {
        self.key = key
        self.word = type.word
        self.schema = type.schema
        self.records = type.records
        self.sentence = sentence
        self.isRequired = isRequired
        self.defaultText = defaultText
        self.notYet = notYet
        self.condition = condition
        self.read = { entry, record, reader in
            guard !entry.value.isEmpty else {
                reader.report(
                    .error, .emptySection, "\(reader.place) is empty", at: entry.key.span, hint: "give it a value, or remove the key")
                record[keyPath: path].span = entry.key.span
                return
            }
            let before = reader.diagnostics.count
            guard let value = type.read(entry.value, &reader) else {
                if isRequired { reader.refuseUnsetVariables(since: before) }
                record[keyPath: path].span = entry.value.span
                return
            }
            record[keyPath: path] = Setting(value, at: entry.value.span)
            if let feature = notYet ?? notYetFor(value), type.show(value) != type.show(Record()[keyPath: path].value) {
                reader.markNotYet(feature, at: entry.key.span)
            }
        }
        self.show = { record in
            let setting = record[keyPath: path]
            return ShownValue.Member(
                key: key, value: type.show(setting.value), span: setting.span, note: setting.isGiven ? nil : defaultText)
        }
        self.markGiven = { record, span in record[keyPath: path].span = span }
        self.inherit = { record, other in
            if !record[keyPath: path].isGiven { record[keyPath: path] = other[keyPath: path] }
        }
    }
}

extension PolicyRecord {
    /// The type of a field that holds one such record.
    static var type: FieldType<Self> {
        FieldType(
            word: self.noun, schema: ["$ref": .string("#/definitions/\(self.definitionName)")], records: [self],
            read: { node, reader in self.read(node, &reader) },
            show: { record in .mapping(self.fields.filter { $0.condition?.holds(record) ?? true }.map { $0.show(record) }) })
    }

    /// Whether every field that is given could be read, where no default can be written out.
    var isWhole: Bool {
        let defaults = Self()
        return Self.fields.allSatisfy { field in
            let member = field.show(self)
            return member.span == nil || member.value != field.show(defaults).value
        }
    }

    /// The fields that are given although they mean nothing here.
    var misplacedKeys: [(key: String, condition: String, span: SourceSpan)] {
        let defaults = Self()
        return Self.fields.compactMap { field in
            guard let condition = field.condition, !condition.holds(self), let span = field.show(self).span else { return nil }
            return field.show(self).value == field.show(defaults).value ? nil : (field.key, condition.text, span)
        }
    }

    static func read(_ node: SourceNode, _ reader: inout FieldReader) -> Self? {
        guard case .mapping(let entries) = node.content else {
            reader.wrongType(node, wants: "a mapping")
            return nil
        }
        let fields = self.fields
        return reader.within(self) { reader in
            var record = Self()
            // A key that is missing because it is misspelt need not be reported twice.
            var seen: Set<String> = []
            for entry in entries where !entry.key.isExtension {
                if let field = fields.first(where: { $0.key == entry.key.text }) {
                    seen.insert(field.key)
                    reader.within(.key(field.key)) { field.read(entry, &record, &$0) }
                } else if let meant = reader.unknownKey(entry) {
                    seen.insert(meant)
                    fields.first { $0.key == meant }?.markGiven(&record, entry.key.span)
                }
            }
            for field in fields where field.isRequired && !seen.contains(field.key) {
                var span = node.span
                if case .entry(_, let name)? = reader.steps.last { span = name.span }
                reader.report(.error, .missingKey, "\(reader.place) has no `\(field.key)`", at: span, hint: field.sentence)
            }
            return record
        }
    }
}
