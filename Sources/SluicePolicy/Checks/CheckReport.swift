package import SluiceCore

/// What `sluice check --output json` prints (`sluice.check/v1`).
package struct CheckReport: Codable, Sendable {
    package struct Item: Codable, Sendable {
        package var severity: String
        package var code: String
        package var message: String
        package var file: String
        package var line: Int
        package var column: Int
        package var length: Int
        @OrNull package var hint: String?
    }

    package struct Test: Codable, Sendable {
        package var name: String
        package var ok: Bool
        @OrNull package var why: String?
    }

    package struct Unsupported: Codable, Sendable {
        package var path: String
        package var file: String
        package var line: Int
    }

    package var schema = "sluice.check/v1"
    package var ok: Bool
    /// The revision; null where nothing was loaded.
    @OrNull package var policy: String?
    package var files: [String]
    package var diagnostics: [Item]
    package var tests: [Test]
    package var notYet: [Unsupported]

    enum CodingKeys: String, CodingKey {
        case schema, ok, policy, files, diagnostics, tests
        case notYet = "not_yet"
    }

    package init(_ loaded: LoadedPolicy, tests: [PolicyTestOutcome]) {
        self.ok = !loaded.hasErrors && tests.allSatisfy(\.isPassed)
        self.policy = loaded.policy?.revision
        self.files = loaded.files
        self.diagnostics = loaded.diagnostics.map(Item.init)
        self.tests = tests.map { Test(name: $0.name, ok: $0.isPassed, why: $0.why) }
        self.notYet = loaded.notYet.map { Unsupported(path: $0.path, file: $0.span.place.file, line: $0.span.place.line) }
    }
}

extension CheckReport.Item {
    fileprivate init(_ diagnostic: Diagnostic) {
        self.severity = diagnostic.severity.rawValue
        self.code = diagnostic.code.rawValue
        self.message = diagnostic.message
        self.file = diagnostic.span.place.file
        self.line = diagnostic.span.place.line
        self.column = diagnostic.span.place.column
        self.length = diagnostic.span.length
        self.hint = diagnostic.hint
    }
}
