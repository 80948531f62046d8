import SluiceCore

extension PolicyLinker {
    mutating func linkModels(backends: [Backend]) -> [Model] {
        self.document.models.value.enumerated().map { index, entry in
            if entry.value.isEmpty {
                self.report(.error, .emptySection, "model `\(entry.name.text)` has no backend", at: entry.name.span)
            }
            var offers: [Model.Offer?] = Array(repeating: nil, count: backends.count)
            for item in entry.value {
                guard let backend = self.resolve(item.name, in: self.backends) else { continue }
                offers[backend] = Model.Offer(item.value)
            }
            return Model(index: index, name: entry.name.text, offers: offers)
        }
    }

    /// The pools of the policy, then one for each backend.
    mutating func linkPools(backends: [Backend]) -> [Pool] {
        let named = self.document.pools.value.enumerated().map { index, entry in self.pool(entry, index: index) }
        return named + backends.map { Pool(index: named.count + $0.index, name: $0.name, backends: [$0.index]) }
    }

    private mutating func pool(_ entry: Named<PoolRecord>, index: Int) -> Pool {
        let record = entry.value
        if let backend = self.backends.span(of: entry.name.text) {
            self.report(
                .error, .duplicateName, "`\(entry.name.text)` is a backend too, and `use:` could mean either", at: entry.name.span,
                hint: "the backend stands in \(backend.place.text)")
        }
        var pool = Pool(
            index: index, name: entry.name.text, backends: record.backends.value.compactMap { self.resolve($0, in: self.backends) })
        pool.pick = record.pick.value
        pool.failover = Pool.Failover(record.failover.value)
        pool.retry = record.retry.value
        pool.affinity = record.affinity.value.map { Pool.Affinity(tokens: $0.tokens.value, spill: $0.spill.value) }
        pool.weights = self.weights(of: record)
        self.checkDoubles(record.backends.value, in: "pool `\(entry.name.text)`")
        return pool
    }

    /// By the position of the backends; 1 for one that is not named.
    private mutating func weights(of record: PoolRecord) -> [Int] {
        guard let span = record.weights.span else { return [] }
        if record.pick.value != .weighted {
            self.report(.error, .notApplicable, "`weights` belongs to `pick: weighted`", at: span)
        }
        for entry in record.weights.value where !record.backends.value.contains(where: { $0.text == entry.name.text }) {
            self.report(.error, .unknownName, "backend `\(entry.name.text.cutForMessage)` is not in this pool", at: entry.name.span)
        }
        let weights = record.backends.value.map { backend in record.weights.value.first { $0.name.text == backend.text }?.value ?? 1 }
        if !weights.isEmpty, weights.allSatisfy({ $0 == 0 }) { self.report(.error, .badValue, "all weights are 0", at: span) }
        return weights
    }

    mutating func checkDoubles(_ names: [Name], in whole: String) {
        var seen: Set<String> = []
        for name in names where !seen.insert(name.text).inserted {
            self.report(.error, .duplicateName, "`\(name.text)` is named twice in \(whole)", at: name.span)
        }
    }
}

extension Model.Offer {
    fileprivate init(_ record: OfferRecord) {
        self.init(name: record.name.value)
        self.precision = record.precision.value
        self.parameters = record.params.value
        self.context = record.context.value
    }
}

extension Pool.Failover {
    fileprivate init(_ words: [PoolRecord.FailoverWord]) {
        self = []
        for word in words {
            switch word {
            case .connect: self.insert(.connect)
            case .timeout: self.insert(.timeout)
            case .rateLimit: self.insert(.rateLimit)
            case .serverError: self.insert(.serverError)
            }
        }
    }
}
