package import SluiceCore

/// Reads policies: the contents of files in, a ``LoadedPolicy`` out. Touches neither disk nor clock.
package struct PolicyLoader: Sendable {
    private let environment: PolicyEnvironment
    private let book: @Sendable (Set<String>?) -> PriceBook
    private let now: Timestamp

    /// - Parameters:
    ///   - book: The price book for these hosts, or all of it for nil; asked only where a policy needs it, as reading it takes time.
    ///   - now: The day by which prices are stale.
    package init(
        environment: PolicyEnvironment, now: Timestamp, book: @escaping @Sendable (Set<String>?) -> PriceBook = { _ in PriceBook() }
    ) {
        self.environment = environment
        self.now = now
        self.book = book
    }

    /// - Parameters:
    ///   - files: In any order; they are read in byte order of their paths.
    ///   - problems: What was wrong already when the files were read from disk.
    package func load(_ files: [PolicyFile], problems: [Diagnostic] = []) -> LoadedPolicy {
        var gathered = Gathering(diagnostics: problems)
        let documents = files.sorted { Array($0.path.utf8).lexicographicallyPrecedes(Array($1.path.utf8)) }.compactMap { file in
            self.document(in: file, &gathered)
        }
        let merged = PolicyDocument(merging: documents) { gathered.diagnostics.append($0) }
        // Where a file could not be read at all, its names would all be missing.
        guard documents.count == files.count, problems.allSatisfy({ $0.severity != .error }) else {
            return self.outcome(gathered, files: files, linked: nil)
        }
        let backends = merged.backends.value.map(\.value).filter(\.usesBook)
        let hosts = backends.map { $0.url.value?.host }
        // A simulated backend has no host; its models are looked for in every list.
        let wanted = hosts.contains(nil) ? nil : Set(hosts.compactMap { $0 })
        var linker = PolicyLinker(
            merged, brokenNames: gathered.brokenNames, book: backends.isEmpty ? PriceBook() : self.book(wanted), now: self.now)
        let parts = linker.link()
        gathered.diagnostics += linker.diagnostics
        return self.outcome(gathered, files: files, linked: (linker.document, parts))
    }

    private struct Gathering {
        var diagnostics: [Diagnostic]
        var notYet: [NotYet] = []
        var brokenNames: Set<BrokenName> = []
        var itemCounts: [String: Int] = [:]
        var secretLines: Set<SourcePlace> = []
        var sources: [SourceText] = []
    }

    private func document(in file: PolicyFile, _ gathered: inout Gathering) -> PolicyDocument? {
        do {
            let source = try SourceText(decoding: file)
            gathered.sources.append(source)
            var yaml = YAMLReader(source)
            let root = yaml.read()
            gathered.diagnostics += yaml.diagnostics
            guard let root else { return nil }
            return self.document(of: root, &gathered)
        } catch {
            gathered.diagnostics.append(error)
            return nil
        }
    }

    private func document(of root: SourceNode, _ gathered: inout Gathering) -> PolicyDocument? {
        var reader = FieldReader(environment: self.environment, itemsBefore: gathered.itemCounts)
        let document = PolicyDocument.read(root, &reader)
        gathered.diagnostics += reader.diagnostics
        gathered.notYet += reader.notYet
        gathered.itemCounts.merge(root.itemCounts, uniquingKeysWith: +)
        gathered.brokenNames.formUnion(reader.brokenNames)
        gathered.secretLines.formUnion(reader.secretLines)
        return document
    }

    private func outcome(_ gathered: Gathering, files: [PolicyFile], linked: (document: PolicyDocument, parts: PolicySet.Parts)?)
        -> LoadedPolicy
    {
        // An anchor that is used twice is read twice.
        let diagnostics = Set(gathered.diagnostics).sorted()
        var outcome = LoadedPolicy(
            diagnostics: diagnostics, files: files.map(\.path).sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) },
            notYet: gathered.notYet,
            sources: gathered.sources, secretLines: gathered.secretLines)
        if let linked {
            let effective = EffectivePolicy(linked.document)
            outcome.effective = effective
            outcome.windowNames = linked.document.windows.value.map(\.name.text)
            if !outcome.hasErrors {
                var parts = linked.parts
                parts.revision = effective.revision
                outcome.policy = PolicySet(parts)
            }
        }
        return outcome
    }
}

extension SourceNode {
    /// How many items the lists in a mapping have.
    fileprivate var itemCounts: [String: Int] {
        guard case .mapping(let entries) = self.content else { return [:] }
        return entries.reduce(into: [:]) { counts, entry in
            if case .sequence(let items) = entry.value.content { counts[entry.key.text] = items.count } else { counts[entry.key.text] = 1 }
        }
    }
}

extension BackendRecord {
    /// Whether its prices come from the book. One that extends another has that one's prices, unless it says otherwise itself.
    fileprivate var usesBook: Bool {
        guard !self.extends.isGiven, !self.price.isGiven, !self.owned.isGiven, !self.rented.isGiven, case .book = self.prices.value else {
            return false
        }
        return true
    }
}
