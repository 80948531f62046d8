/// The JSON Schema (draft-07) of policies, made from the tables that the reader uses.
package enum PolicySchema {
    package static var json: JSONValue { self.json(for: PolicyDocument.self, title: "Sluice policy") }

    static func json(for root: any PolicyRecord.Type, title: String) -> JSONValue {
        var definitions: [String: JSONValue] = [:]
        for record in self.records(in: root) { definitions[record.definitionName] = .object(self.body(of: record.description)) }
        var schema = self.body(of: root.description)
        schema["$schema"] = "http://json-schema.org/draft-07/schema#"
        schema["title"] = .string(title)
        schema["definitions"] = .object(definitions)
        return .object(schema)
    }

    /// Every record that stands somewhere inside `root`, in the order of the tables.
    static func records(in root: any PolicyRecord.Type) -> [any PolicyRecord.Type] {
        var found: [any PolicyRecord.Type] = []
        func visit(_ record: any PolicyRecord.Type) {
            for inner in record.description.members.flatMap(\.records) where !found.contains(where: { $0 == inner }) {
                found.append(inner)
                visit(inner)
            }
        }
        visit(root)
        return found
    }

    private static func body(of record: RecordDescription) -> [String: JSONValue] {
        var properties: [String: JSONValue] = [:]
        for member in record.members { properties[member.key] = self.property(member) }
        return [
            "type": "object", "description": .string(record.sentence), "properties": .object(properties),
            "required": .array(record.members.filter(\.isRequired).map { .string($0.key) }),
            // Anchors are parked under such keys.
            "patternProperties": ["^x-[^/]*$": true], "additionalProperties": false,
        ]
    }

    private static func property(_ member: RecordDescription.Member) -> JSONValue {
        var text = member.sentence
        if let condition = member.condition { text += " Only for \(condition)." }
        if let value = member.defaultText { text += " Default: \(value)." }
        if member.notYet != nil { text += " Read, but not yet acted on." }
        return ["allOf": [member.schema], "description": .string(text)]
    }
}
