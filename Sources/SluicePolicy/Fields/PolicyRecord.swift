/// A mapping with fixed keys: its defaults are those of `init()`, its table says how each key is read.
protocol PolicyRecord: Sendable {
    init()
    /// What one is called in messages and in the schema: «class», «price».
    static var noun: String { get }
    /// What it is for, in one sentence.
    static var sentence: String { get }
    static var fields: [Field<Self>] { get }
}

extension PolicyRecord {
    /// What the schema and the reference call it.
    static var definitionName: String { String(self.noun.map { $0 == " " ? "-" : $0 }) }
    static var description: RecordDescription { RecordDescription(of: Self.self) }
    static var fieldKeys: [String] { self.fields.map(\.key) }
    /// The keys one level further in, each with the key that it stands under.
    static var innerKeys: [(key: String, parent: String)] {
        self.fields.flatMap { field in field.records.flatMap { $0.fieldKeys }.map { (key: $0, parent: field.key) } }
    }
}

/// What the schema, the reference and «did you mean» know of a record.
struct RecordDescription: Sendable {
    struct Member: Sendable {
        var key: String
        var word: String
        var schema: JSONValue
        var records: [any PolicyRecord.Type]
        var sentence: String
        var isRequired: Bool
        /// As it would be written; nil where there is none.
        var defaultText: String?
        /// Where the field means anything: `serve: later`.
        var condition: String?
        var notYet: Feature?
    }

    let noun: String
    let sentence: String
    let members: [Member]

    init<Record: PolicyRecord>(of record: Record.Type) {
        self.noun = Record.noun
        self.sentence = Record.sentence
        let defaults = Record()
        self.members = Record.fields.map { field in
            Member(
                key: field.key, word: field.word, schema: field.schema, records: field.records, sentence: field.sentence,
                isRequired: field.isRequired,
                defaultText: field.defaultText ?? field.show(defaults).value.defaultText, condition: field.condition?.text,
                notYet: field.notYet)
        }
    }
}

extension ShownValue {
    /// In one line, for the reference; nil for what is empty.
    fileprivate var defaultText: String? {
        switch self {
        case .scalar(let text): text.isEmpty ? nil : text
        case .list(let items): items.isEmpty ? nil : "[\(items.compactMap(\.defaultText).joined(separator: ", "))]"
        // The record's own section tells.
        case .mapping: nil
        }
    }
}
