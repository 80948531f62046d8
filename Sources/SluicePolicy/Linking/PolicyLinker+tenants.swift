import SluiceCore

extension PolicyLinker {
    /// In the order of the policy; `default`, which is there even where it is not written, comes last.
    mutating func linkTenants() -> [Tenant] {
        let entries = self.document.tenants.value
        let written = entries.filter { $0.name.text != "default" } + entries.filter { $0.name.text == "default" }
        var tenants = written.enumerated().map { index, entry in self.tenant(entry.value, index: index, name: entry.name.text) }
        if tenants.last?.name != "default" { tenants.append(Tenant(index: tenants.count, name: "default")) }
        return tenants
    }

    private mutating func tenant(_ record: TenantRecord, index: Int, name: String) -> Tenant {
        var terms = Tenant.Terms()
        terms.keys = record.keys.value
        terms.models = record.models.value?.map(\.value)
        for model in record.models.value ?? [] { self.checkLiteral(model, in: self.models) }
        terms.classes =
            record.classes.value.contains { $0.text == "*" }
            ? nil : Set(record.classes.value.compactMap { self.resolve($0, in: self.classes) })
        terms.limits = Backend.Limits(record.limits.value)
        terms.weight = record.weight.value
        terms.zone = record.timezone.value.flatMap { self.zone($0) }
        terms.retention = self.retention(of: record)
        terms.costCenter = record.costCenter.value
        return Tenant(index: index, name: name, terms: terms)
    }

    /// What the tenant leaves open is as in `server:`; nil where it is all.
    private func retention(of record: TenantRecord) -> Retention? {
        guard record.retention.isGiven else { return nil }
        let own = record.retention.value
        var retention = Retention(self.document.server.value.retention.value)
        if let results = own.results.value { retention.results = results }
        if let prompts = own.prompts.value { retention.prompts = prompts }
        return retention
    }

    /// A pattern without `*` must be the name of something.
    mutating func checkLiteral(_ pattern: Located<Glob>, in table: NameTable) {
        guard pattern.value.isLiteral, !(table.noun == "tenant" && pattern.value.pattern == "default") else { return }
        _ = self.resolve(Name(text: pattern.value.pattern, span: pattern.span), in: table)
    }
}
