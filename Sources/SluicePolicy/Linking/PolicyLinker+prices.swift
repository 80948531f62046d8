import SluiceCore

extension PolicyLinker {
    mutating func prices(_ record: BackendRecord) -> Backend.Prices {
        let discount = record.discount.value
        if record.price.isGiven { return .every(self.cards(record.price.value, discount: discount)) }
        switch record.prices.value {
        case .book: return .book
        case .perModel(let entries):
            return .perModel(entries.reduce(into: [:]) { $0[$1.name.text] = self.cards($1.value, discount: discount) })
        }
    }

    private mutating func cards(_ records: [Located<PriceRecord>], discount: PriceFactor) -> [RateCard] {
        self.checkPeriods(records)
        return records.map { self.card($0, discount: discount) }
    }

    private mutating func card(_ located: Located<PriceRecord>, discount: PriceFactor) -> RateCard {
        for entry in located.value.during.value { _ = self.resolve(entry.name, in: self.windows) }
        self.checkFigures(located.value, at: located.span)
        return RateCard(located.value, discount: discount)
    }

    private mutating func checkFigures(_ record: PriceRecord, at span: SourceSpan) {
        if record.figures.input.isGiven, !record.figures.cached.isGiven {
            self.report(.note, .cachedAsInput, "this price has no `cached`: cached tokens cost as much as `input`", at: span)
        }
        let isRefused = self.document.unpriced.value == .reject
        if isRefused ? record.figures.input.value == nil : !record.figures.input.isGiven && !record.perRequest.isGiven {
            self.unpriced("this price has no `input`: a request is unpriced that used any", at: span)
        }
        // Embeddings have no output: where an unpriced request is only counted, nothing needs to be said of it.
        if record.figures.output.value == nil, isRefused {
            self.unpriced(
                "this price has no `output`: a request is unpriced that used any", at: span, hint: "where a backend only makes embeddings, say `output: 0`")
        }
        if let age = self.daysSinceStale(record.asOf.value) {
            self.report(
                .warning, .stalePrice, "this price was read \(age) days ago", at: record.asOf.span ?? span,
                hint: "look it up again and change `as_of`")
        }
    }

    /// How many days ago a price was read; nil where that is not long ago, or not known.
    private func daysSinceStale(_ day: String?) -> Int64? {
        guard let day, let read = Timestamp(rfc3339: day) else { return nil }
        let age = (self.now - read).milliseconds / 86_400_000
        return age > 90 ? age : nil
    }

    /// Warned of once for a backend: one import makes all of its prices new.
    private mutating func checkBook(_ cards: [RateCard], of backend: Backend, warned: inout Set<Int>, at span: SourceSpan) {
        guard case .book = backend.prices, let age = self.daysSinceStale(cards.first { $0.isValid(at: self.now) }?.asOf), warned.insert(backend.index).inserted
        else { return }
        self.report(
            .warning, .stalePrice, "the price book's prices for `\(backend.name)` were read \(age) days ago", at: span,
            hint: "`sluice prices import` makes new lists, `sluice prices diff` shows what they change")
    }

    /// Dated prices of one model: each ends after it begins, and no two hold at once.
    private mutating func checkPeriods(_ records: [Located<PriceRecord>]) {
        var earlier: [Range<Timestamp>] = []
        for record in records {
            let from = record.value.validFrom.value ?? .distantPast
            let until = record.value.validUntil.value ?? .distantFuture
            guard from < until else {
                self.report(.error, .priceDates, "`valid_until` is not after `valid_from`", at: record.value.validUntil.span ?? record.span)
                continue
            }
            if earlier.contains(where: { $0.overlaps(from..<until) }) {
                self.report(
                    .error, .priceDates, "this price holds at the same time as one before it", at: record.span,
                    hint: "give `valid_from` and `valid_until`, which is exclusive")
            }
            earlier.append(from..<until)
        }
    }

    /// A warning, or an error where the policy refuses unpriced models.
    mutating func unpriced(_ message: String, at span: SourceSpan, hint: String? = nil) {
        self.report(self.document.unpriced.value == .reject ? .error : .warning, .unpriced, message, at: span, hint: hint)
    }

    /// Every model at every backend has a price, at least now.
    mutating func checkPrices(_ parts: PolicySet.Parts) {
        var warned: Set<Int> = []
        for (index, model) in self.document.models.value.enumerated() {
            for offer in model.value {
                guard let backendIndex = self.backends.index(of: offer.name.text), let name = parts.models[index].offers[backendIndex]?.name
                else { continue }
                let backend = parts.backends[backendIndex]
                guard backend.owned == nil, backend.rented == nil else { continue }
                let cards = backend.prices.cards(for: name, host: backend.url?.host, book: parts.book)
                self.checkBook(cards, of: backend, warned: &warned, at: offer.name.span)
                // A card whose dates are the wrong way round is reported already.
                guard
                    !cards.contains(where: {
                        $0.isValid(at: self.now) || ($0.validFrom ?? .distantPast) >= ($0.validUntil ?? .distantFuture)
                    })
                else { continue }
                let reason: String
                switch backend.prices {
                case .book where self.book.currency != self.document.currency.value:
                    reason = "has no price in \(self.document.currency.value): the price book is in \(self.book.currency)"
                case .book: reason = "is not in the price book"
                case .perModel where cards.isEmpty: reason = "is not among the `prices` of the backend"
                case .perModel, .every: reason = "has no price that holds today"
                }
                self.unpriced(
                    "`\(name.cutForMessage)` at `\(backend.name)` \(reason): what it does is unpriced", at: offer.name.span,
                    hint: "give it a `price`")
            }
        }
    }
}
