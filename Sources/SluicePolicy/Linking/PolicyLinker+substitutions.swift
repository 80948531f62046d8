import SluiceCore

extension PolicyLinker {
    mutating func linkSubstitutions(classes: [TrafficClass]) -> [Substitution] {
        let patient = Set(classes.filter { $0.serve == .later }.map(\.index))
        return self.document.substitute.value.enumerated().map { index, rule in
            let record = rule.value
            let models = record.model.value.compactMap { self.resolve($0, in: self.models) }
            let with = record.with.value.flatMap { self.resolve($0, in: self.models) }
            let named = Set(record.when.value.classes.value.compactMap { self.resolve($0, in: self.classes) })
            var result = Substitution(
                index: index, models: models, with: with ?? -1, why: record.why.value,
                classes: record.when.value.classes.isGiven ? named : patient)
            result.name = record.name.value
            result.match = self.match(record.when.value.match)
            result.minPrecision = record.minPrecision.value
            result.minParameters = record.minParams.value
            result.verify = record.verify.value
            if let with, models.contains(with), let span = record.with.span {
                self.report(.error, .badValue, "`\(record.with.value?.text ?? "")` would replace itself", at: span)
            }
            if !record.when.value.classes.isGiven, patient.isEmpty {
                self.report(
                    .error, .notApplicable, "no class is served later, and a `now` class counts only if `for: { class: … }` names it",
                    at: rule.span)
            }
            return result
        }
    }

    mutating func linkBudgets() -> [Budget] {
        self.document.budgets.value.enumerated().map { index, entry in
            let record = entry.value
            let thresholds = record.at.value.compactMap { item -> (share: PriceFactor, action: Budget.Action)? in
                switch item.value {
                case .word(.warn): return (item.key, .warn)
                case .word(.reject): return (item.key, .reject)
                case .downgrade(let downgrade):
                    guard let name = downgrade.downgrade.value, let index = self.resolve(name, in: self.classes) else { return nil }
                    return (item.key, .downgrade(index))
                }
            }
            return Budget(
                index: index, name: entry.name.text, scope: self.scope(of: record, named: entry.name), limit: record.limit.value,
                period: record.per.value,
                thresholds: thresholds.sorted { $0.share.millionths < $1.share.millionths })
        }
    }

    /// What classes may spend outside their first pool is a budget a day like any other.
    func spillBudgets(after count: Int, _ classes: [TrafficClass], pools: [Pool]) -> [Budget] {
        let limited = classes.compactMap { item in
            item.spill?.maxSpendPerDay.flatMap { limit in item.pools.first.map { (name: item.name, pool: pools[$0].name, limit: limit) } }
        }
        return limited.enumerated().map { offset, item in
            Budget(
                index: count + offset, name: "spill of \(item.name)", scope: .beyond(pool: item.pool, trafficClass: item.name), limit: item.limit,
                period: .day, thresholds: [(share: .one, action: .reject)])
        }
    }

    private mutating func scope(of record: BudgetRecord, named name: Name) -> Budget.Scope {
        let given = [record.tenant.isGiven, record.key.isGiven, record.metadata.isGiven].count { $0 }
        if given > 1 || record.metadata.value.count > 1 {
            self.report(.error, .notApplicable, "a budget counts one thing: a tenant, keys, or one field of metadata", at: name.span)
        }
        if let tenant = record.tenant.value {
            self.checkLiteral(tenant, in: self.tenants)
            return .tenant(tenant.value)
        }
        if let key = record.key.value { return .key(key) }
        if let tag = record.metadata.value.first { return .tag(name: tag.name.text, value: tag.value) }
        return .all
    }
}
