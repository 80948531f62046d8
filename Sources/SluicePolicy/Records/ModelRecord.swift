import SluiceCore

/// A model at one backend: its name there, or more of it.
struct OfferRecord: PolicyRecord {
    var name = Setting("")
    var precision = Setting<Model.Precision?>(nil)
    var params = Setting<Int?>(nil)
    var context = Setting<Int?>(nil)

    static let noun = "offer"
    static let sentence = "A model at one backend; a string alone is its name there."
    static let fields: [Field<Self>] = [
        Field("name", \.name, Written.text, "The backend's own name for the model.", required: true),
        Field("precision", \.precision, Written.choice().ifGiven(), "How finely its weights are stored."),
        Field("params", \.params, Written.count().ifGiven(), "The number of its weights."),
        Field("context", \.context, Written.count().ifGiven(), "The longest prompt plus answer, in tokens."),
    ]

    static let shortOrWhole = FieldType<OfferRecord>(
        word: "name or offer", schema: ["anyOf": [["$ref": "#/definitions/offer"], .anyScalar]], records: [OfferRecord.self],
        read: { node, reader in
            if case .mapping = node.content { return OfferRecord.read(node, &reader) }
            guard let name = reader.text(of: node, wants: "the backend's name for the model") else { return nil }
            var record = OfferRecord()
            record.name = Setting(name, at: node.span)
            return record
        },
        show: { record in
            let isShort = !record.precision.isGiven && !record.params.isGiven && !record.context.isGiven
            return isShort ? .scalar(record.name.value) : OfferRecord.type.show(record)
        })
}
