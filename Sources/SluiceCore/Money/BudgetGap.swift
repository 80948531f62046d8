extension BudgetBook.Gap {
    /// What the ledger has for it: certain costs, and whatever is in doubt at its high end. Blocks for reads of the database.
    package func spent(in ledger: some Ledger, currency: String) throws(StoreError) -> MoneySum {
        // The hourly sums know no pools.
        if self.budget.isOfSpill { return try self.walk(ledger, currency: currency) }
        let dimension: RollupDimension? =
            switch self.budget.scope {
            case .all, .beyond: nil
            case .tenant: .tenant
            case .key: .key
            case .tag: .tag
            }
        let sums = try ledger.rollups(since: self.since, until: self.until, by: [.currency] + (dimension.map { [$0] } ?? []))
            .filter { $0.key[0] == currency }
        // Where an hour had more tags than have sums of their own, the entries themselves tell.
        if case .tag(let name, _) = self.budget.scope, sums.contains(where: { $0.key[1] == "\(name)=*" }) {
            return try self.walk(ledger, currency: currency)
        }
        return sums.filter { self.counts($0.key) }.reduce(into: .zero) { $0 += $1.measures.spent }
    }

    private func counts(_ key: [String?]) -> Bool {
        switch self.budget.scope {
        case .all: return true
        case .tenant(let pattern): return key[1].map { pattern.matches($0) } ?? false
        case .key(let pattern): return key[1].map { pattern.matches($0) } ?? false
        case .tag(let name, let pattern):
            guard let tag = key[1], tag.hasPrefix(name + "=") else { return false }
            return pattern.matches(String(tag.dropFirst(name.count + 1)))
        case .beyond: return false
        }
    }

    private func walk(_ ledger: some Ledger, currency: String) throws(StoreError) -> MoneySum {
        var filter = LedgerFilter()
        filter.since = self.since
        filter.until = self.until
        if case .beyond(_, let trafficClass) = self.budget.scope { filter.trafficClass = trafficClass }
        var sum = RollupMeasures()
        try ledger.walk(filter) { _, entry in
            guard entry.subject?.currency == currency, let spender = Spender(entry), self.budget.counts(spender) else { return }
            sum.add(entry)
        }
        return sum.spent
    }
}
