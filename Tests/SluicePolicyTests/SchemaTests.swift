import FoundationEssentials
import SluiceCore
import Testing

@testable import SluicePolicy

@Suite struct SchemaTests {
    @Test func everyRecordHasANameOfItsOwn() {
        let names = PolicySchema.records(in: PolicyDocument.self).map { $0.definitionName }
        #expect(Set(names).count == names.count, "\(names)")
        #expect(names.count > 25)
    }

    @Test func everyReferenceLeadsSomewhere() throws {
        guard case .object(let schema) = PolicySchema.json, case .object(let definitions)? = schema["definitions"] else {
            Issue.record("the schema has no definitions")
            return
        }
        let references = PolicySchema.json.references
        #expect(!references.isEmpty)
        for reference in references { #expect(definitions[String(reference.dropFirst("#/definitions/".count))] != nil, "\(reference)") }
    }

    @Test func everyFieldSaysWhatItMeans() {
        for record in [PolicyDocument.self as any PolicyRecord.Type] + PolicySchema.records(in: PolicyDocument.self) {
            for member in record.description.members {
                #expect(member.sentence.hasSuffix(".") && member.sentence.count > 6, "\(record.noun).\(member.key)")
            }
            #expect(Set(record.fieldKeys).count == record.fieldKeys.count, "\(record.noun)")
        }
    }

    @Test func theReferencePageIsUpToDate() throws {
        let page = try Sample.file("docs/policy-reference.md")
        #expect(page == PolicyReference.markdown, "run `sluice schema --output md > docs/policy-reference.md`")
    }

    @Test func theSchemaAcceptsWhatTheReaderAccepts() throws {
        guard let python = Python.withModules("jsonschema", "yaml") else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let schema = FileManager.default.temporaryDirectory.appending(path: "sluice-schema-\(UUID().uuidString).json")
        try encoder.encode(PolicySchema.json).write(to: schema)
        defer { try? FileManager.default.removeItem(at: schema) }
        let script = "\(Sample.root)/Tests/SluicePolicyTests/Fixtures/validate.py"
        let outcome = python.run([script, schema.path, "\(Sample.root)/policies", "\(Sample.root)/Tests/Corpus/policies/good.yaml"])
        #expect(outcome.status == 0, "\(outcome.output)")
        // And refuses what is wrong.
        for name in ["unknown-key", "value-choice", "value-duration", "missing-use", "value-list-for-mapping"] {
            #expect(python.run([script, schema.path, "\(Sample.root)/Tests/Corpus/policies/\(name).yaml"]).status == 1, "\(name)")
        }
    }
}

extension JSONValue {
    /// Every `$ref` in it.
    fileprivate var references: [String] {
        switch self {
        case .object(let members):
            members.flatMap { key, value -> [String] in
                if key == "$ref", case .string(let reference) = value { [reference] } else { value.references }
            }
        case .array(let items): items.flatMap(\.references)
        default: []
        }
    }
}
