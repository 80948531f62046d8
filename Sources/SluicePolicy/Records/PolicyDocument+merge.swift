import SluiceCore

extension PolicyDocument {
    /// One document out of those of all files: named things are united, lists follow one another, single values stand once.
    init(merging documents: [PolicyDocument], reporting report: (Diagnostic) -> Void) {
        self.init()
        for document in documents {
            self.version.span = self.version.span ?? document.version.span
            self.take("currency", \.currency, from: document, report)
            self.take("timezone", \.timezone, from: document, report)
            self.take("unpriced", \.unpriced, from: document, report)
            self.take("server", \.server, from: document, report)
            self.take("webhooks", \.webhooks, from: document, report)
            self.take("baseline", \.baseline, from: document, report)
            self.unite(WindowRecord.noun, \.windows, with: document, report)
            self.unite(TenantRecord.noun, \.tenants, with: document, report)
            self.unite(BackendRecord.noun, \.backends, with: document, report)
            self.unite("model", \.models, with: document, report)
            self.unite(PoolRecord.noun, \.pools, with: document, report)
            self.unite(ClassRecord.noun, \.classes, with: document, report)
            self.unite(BudgetRecord.noun, \.budgets, with: document, report)
            self.append(\.substitute, of: document)
            self.append(\.routes, of: document)
            self.append(\.tests, of: document)
        }
    }

    private mutating func take<Value>(
        _ key: String, _ path: WritableKeyPath<PolicyDocument, Setting<Value>>, from other: PolicyDocument, _ report: (Diagnostic) -> Void
    ) {
        guard let span = other[keyPath: path].span else { return }
        guard let first = self[keyPath: path].span else {
            self[keyPath: path] = other[keyPath: path]
            return
        }
        report(
            Diagnostic(
                .error, .duplicateKey, "`\(key)` may be given in one file only", at: span,
                hint: "the first one stands in \(first.place.text)"))
    }

    private mutating func unite<Value>(
        _ noun: String, _ path: WritableKeyPath<PolicyDocument, Setting<[Named<Value>]>>, with other: PolicyDocument,
        _ report: (Diagnostic) -> Void
    ) {
        var known = Dictionary(uniqueKeysWithValues: self[keyPath: path].value.map { ($0.name.text, $0.name.span) })
        for entry in other[keyPath: path].value {
            if let first = known[entry.name.text] {
                report(
                    Diagnostic(
                        .error, .duplicateName, "\(noun) `\(entry.name.text)` is defined twice", at: entry.name.span,
                        hint: "the first one stands in \(first.place.text)"))
            } else {
                known[entry.name.text] = entry.name.span
                self[keyPath: path].value.append(entry)
            }
        }
        self[keyPath: path].span = self[keyPath: path].span ?? other[keyPath: path].span
    }

    private mutating func append<Value>(_ path: WritableKeyPath<PolicyDocument, Setting<[Value]>>, of other: PolicyDocument) {
        self[keyPath: path].value += other[keyPath: path].value
        self[keyPath: path].span = self[keyPath: path].span ?? other[keyPath: path].span
    }
}

extension SourcePlace {
    var text: String { "\(self.file):\(self.line):\(self.column)" }
}
