import SluiceCore

extension FieldReader {
    /// Reports a key that the record being read does not have.
    ///
    /// - Returns: The key of this record that was meant, as far as can be told.
    mutating func unknownKey(_ entry: SourceNode.Entry) -> String? {
        let key = entry.key.text
        if SecretShape.isSecretKey(key) || SecretShape.holdsKey(key) { self.hideLine(of: entry.key.span) }
        let here = self.levels.last
        let meant = NearName.best(for: key, among: here?.fieldKeys ?? [])
        let context = self.steps.isEmpty ? "" : " in \(self.place)"
        self.report(
            .error, .unknownKey, "unknown key `\(SecretShape.mask(key.cutForMessage))`\(context)", at: entry.key.span,
            hint: meant.map { "did you mean `\($0)`?" } ?? self.rightPlace(for: key))
        return meant
    }

    /// Right key, wrong place: a level further in or further out that has the key.
    private func rightPlace(for key: String) -> String? {
        let inner = (self.levels.last?.innerKeys ?? []).map { (key: $0.key, home: "under `\($0.parent)`") }
        let outer = self.levels.dropLast().reversed().flatMap { level in
            level.fieldKeys.map { (key: $0, home: level.noun == PolicyDocument.noun ? "at the top level" : "in the \(level.noun)") }
        }
        let candidates = inner + outer
        if let exact = candidates.first(where: { $0.key == key }) { return "`\(key)` belongs \(exact.home)" }
        guard let near = NearName.best(for: key, among: candidates.map { $0.key }),
            let home = candidates.first(where: { $0.key == near })?.home
        else { return nil }
        return "did you mean `\(near)`, which belongs \(home)?"
    }
}
